#version 330 core
in vec4 paint;
in vec3 facing;
flat in float material;
in float rim;
layout(location = 0) out vec4 surface;   // sRGB colour, share of the sky
layout(location = 1) out vec4 shape;     // halved and raised to 0..1: normal (its length: share of the key light);
                                         // number of the material from 1 plus half the share of the rim light, / 257

void main() {
    surface = paint;
    shape = vec4(0.5 * facing + 0.5, (material + 0.49 * rim) / 257.0);
}
