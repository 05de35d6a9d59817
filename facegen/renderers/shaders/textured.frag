#version 330 core
// A surface whose colour is a texture.
uniform sampler2D texture_map;
uniform vec3 tint;            // sRGB
uniform float cutoff;

in vec4 paint;
in vec3 facing;
in vec3 along;                // texture coordinates
flat in float material;
in float rim;
layout(location = 0) out vec4 surface;   // as in surface.frag
layout(location = 1) out vec4 shape;

void main() {
    vec4 own = texture(texture_map, along.xy);
    if (own.a < cutoff) discard;
    surface = vec4(own.rgb * tint, paint.a);
    shape = vec4(0.5 * facing + 0.5, (material + 0.49 * rim) / 257.0);
}
