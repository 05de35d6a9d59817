#version 330 core
// First pass: what is seen at each pixel. Light comes later, once a pixel, since the triangles are about as
// small as pixels and a costly shader would run several times for each.
uniform mat4 projection;  // world (cm) to clip space, y downwards so that rows come out top first
uniform vec2 openness;    // how far jaw and lids are open or closed, for the baked light

uniform sampler2D moved;  // place of each vertex
uniform sampler2D normal; // and its normal, of any length

in vec4 color;            // sRGB; number of the material
in vec4 sky;              // share of the sky seen at rest, with the jaw open, with the lids closed
in vec3 strand;           // of hair: cm across the strands; cm from its edge; strength of its streaks
in vec4 lamps;            // share of the key light seen, likewise; share of the rim light

out vec4 paint;
out vec3 facing;          // the normal; its length, 0.25 to 1, tells the share of the key light
flat out float material;
out float rim;
out vec3 along;

float now(vec4 baked) {
    return clamp(baked.x + dot(openness, baked.yz - baked.xx), 0.0, 1.0);
}

void main() {
    ivec2 own = ivec2(gl_VertexID & 1023, gl_VertexID >> 10);
    paint = vec4(color.rgb, now(sky));
    facing = normalize(texelFetch(normal, own, 0).xyz) * (0.25 + 0.75 * now(lamps));
    material = color.a * 255.0 + 1.0;
    rim = lamps.a;
    along = strand;
    gl_Position = projection * vec4(texelFetch(moved, own, 0).xyz, 1.0);
}
