#version 330 core
// Hair: streaks along the strands in colour and light, and edges that dissolve into strands.
uniform sampler2D streaks;

in vec4 paint;
in vec3 facing;
in vec3 along;                // cm across the strands; cm from the hair's edge; strength of the streaks
flat in float material;
in float rim;
layout(location = 0) out vec4 surface;   // as in surface.frag
layout(location = 1) out vec4 shape;

void main() {
    float streak = texture(streaks, along.xy * vec2(0.25, 0.025)).r;
    if (along.y < 1.1 * streak - 0.25) discard;
    float change = along.z * (2.0 * streak - 1.0);
    float reach = length(facing);
    surface = vec4(paint.rgb * (1.0 + 0.55 * change), paint.a);
    float shone = clamp(0.25 + (reach - 0.25) * (1.0 + 0.8 * change), 0.25, 1.0);
    shape = vec4(0.5 * shone / max(reach, 1e-4) * facing + 0.5,
                 (material + 0.49 * rim * clamp(1.0 + change, 0.0, 1.0)) / 257.0);
}
