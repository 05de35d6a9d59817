#version 330 core
in vec4 paint;
in vec3 facing;
flat in float material;
in float rim;
layout(location = 0) out vec4 surface;   // sRGB colour, share of the sky
layout(location = 1) out vec4 shape;     // normal (its length: share of the key light), number of the material
                                         // from 1 (0: background) plus half the share of the rim light

void main() {
    surface = paint;
    shape = vec4(facing, material + 0.49 * rim);
}
