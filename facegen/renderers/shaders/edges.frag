#version 330 core
// Keeps the pixels where the brightness or the coverage jumps; green stands for all colours, being most of it.
uniform sampler2D picture;

float luma(ivec2 at) {
    vec4 c = texelFetch(picture, at, 0);
    return c.g + c.a;
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    float m = luma(at);
    vec4 around = vec4(luma(at + ivec2(1, 0)), luma(at - ivec2(1, 0)), luma(at + ivec2(0, 1)), luma(at - ivec2(0, 1)));
    vec4 jump = abs(around - m);
    if (max(max(jump.x, jump.y), max(jump.z, jump.w)) < 0.035) discard;
}
