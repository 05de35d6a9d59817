#version 330 core
// First pass: what is seen at each pixel. Light comes later, once a pixel, since the triangles are about as
// small as pixels and a costly shader would run several times for each.
uniform mat4 projection;  // world (cm) to clip space, y downwards so that rows come out top first
uniform vec2 openness;    // how far jaw and lids are open or closed, for the baked light

in vec3 position;
in vec3 normal;
in vec4 color;            // sRGB; number of the material
in vec4 exposure;         // share of the sky seen at rest, with the jaw open, with the lids closed

out vec4 paint;
out vec3 facing;
flat out float material;

void main() {
    float sky = exposure.x + dot(openness, exposure.yz - exposure.xx);
    paint = vec4(color.rgb, clamp(sky, 0.0, 1.0));
    facing = normalize(normal);
    material = color.a * 255.0 + 1.0;
    gl_Position = projection * vec4(position, 1.0);
}
