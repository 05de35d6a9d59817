#version 330
// The large picture made smaller: a texel's centre lies between those that it averages.
uniform sampler2D picture;
in vec2 at;
out vec4 color;

void main() {
    color = texture(picture, at);
}
