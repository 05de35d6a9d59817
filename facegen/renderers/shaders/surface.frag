#version 330 core
in vec4 paint;
in vec3 facing;
flat in float material;
layout(location = 0) out vec4 surface;   // sRGB colour, share of the sky
layout(location = 1) out vec4 shape;     // normal (its length: share of the key light), number of the material from 1; 0 is the background

void main() {
    surface = paint;
    shape = vec4(facing, material);
}
