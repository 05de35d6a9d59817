#version 330 core
// A vertex for each pixel: the mean normal of the triangles around it, weighted by their area.
uniform sampler2D moved;
uniform isampler2D ranges;
uniform isampler2D corners;  // the two other vertices of each triangle around a vertex

out vec4 normal;

ivec2 cell(int number) {
    return ivec2(number & 1023, number >> 10);
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    ivec2 range = texelFetch(ranges, at, 0).zw;
    vec3 own = texelFetch(moved, at, 0).xyz;
    vec3 sum = vec3(0.0);
    for (int i = range.x; i < range.y; i++) {
        ivec2 other = texelFetch(corners, cell(i), 0).xy;
        sum += cross(texelFetch(moved, cell(other.x), 0).xyz - own, texelFetch(moved, cell(other.y), 0).xyz - own);
    }
    normal = vec4(sum, 0.0);
}
