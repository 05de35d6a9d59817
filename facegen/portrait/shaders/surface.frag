#version 330
uniform sampler2D picture;
uniform float cut;  // 1 where the picture's own opacity counts
in vec2 at;
in vec4 own;
in vec2 shown;
out vec4 color;

void main() {
    vec4 photo = texture(picture, at);
    vec3 mixed = mix(photo.rgb, own.rgb, own.a) * shown.y;
    color = vec4(mixed, shown.x * mix(1.0, photo.a, cut));
}
