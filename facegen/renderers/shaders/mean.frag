#version 330 core
// The mean of the pixels where the picture was drawn larger than the result.
uniform sampler2D picture;
uniform int times;

out vec4 pixel;

void main() {
    ivec2 corner = ivec2(gl_FragCoord.xy) * times;
    vec4 sum = vec4(0.0);
    for (int y = 0; y < times; y++)
        for (int x = 0; x < times; x++)
            sum += texelFetch(picture, corner + ivec2(x, y), 0);
    pixel = sum / float(times * times);
}
