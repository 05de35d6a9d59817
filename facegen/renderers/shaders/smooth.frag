#version 330 core
// Blends along edges of brightness (FXAA; Lottes, 2009).
uniform sampler2D picture;

out vec4 pixel;

float luma(vec4 c) {
    return dot(c, vec4(0.299, 0.587, 0.114, 1.0));
}

vec4 fetch(vec2 at) {
    return texture(picture, at / vec2(textureSize(picture, 0)));
}

void main() {
    vec2 at = gl_FragCoord.xy;
    float m = luma(texelFetch(picture, ivec2(at), 0));
    float nw = luma(fetch(at + vec2(-0.5, -0.5)));
    float ne = luma(fetch(at + vec2(0.5, -0.5)));
    float sw = luma(fetch(at + vec2(-0.5, 0.5)));
    float se = luma(fetch(at + vec2(0.5, 0.5)));
    float low = min(m, min(min(nw, ne), min(sw, se)));
    float high = max(m, max(max(nw, ne), max(sw, se)));
    vec2 along = vec2((sw + se) - (nw + ne), (nw + sw) - (ne + se));
    float damp = max((nw + ne + sw + se) * 0.03125, 0.0078125);
    along = clamp(along / (min(abs(along.x), abs(along.y)) + damp), -8.0, 8.0);
    vec4 near = 0.5 * (fetch(at - along / 6.0) + fetch(at + along / 6.0));
    vec4 far = 0.5 * near + 0.25 * (fetch(at - 0.5 * along) + fetch(at + 0.5 * along));
    float l = luma(far);
    pixel = l < low || l > high ? near : far;
}
