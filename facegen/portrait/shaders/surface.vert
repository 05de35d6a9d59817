#version 330
// A piece of the portrait, seen without perspective.
uniform vec4 box;    // left, top, 1 / width, 1 / height in pixels of the photo
uniform vec2 depth;  // the middle, and 1 / half the range
in vec3 place;       // pixels: right, up, to the camera
in vec2 uv;          // in the piece's picture, 0 to 1, y down
in vec4 tint;        // a colour and its share
in vec2 look;        // opacity, brightness
out vec2 at;
out vec4 own;
out vec2 shown;

void main() {
    vec2 seen = vec2(place.x - box.x, -place.y - box.y) * box.zw;
    gl_Position = vec4(2.0 * seen - 1.0, -(place.z - depth.x) * depth.y, 1.0);
    at = uv;
    own = tint;
    shown = look;
}
