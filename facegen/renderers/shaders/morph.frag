#version 330 core
// A vertex for each pixel: rest place plus weighted shapes, then the head's pose as far as the vertex follows it.
uniform sampler2D rest;      // place in cm, share of the head's motion that the vertex follows
uniform isampler2D ranges;   // first delta and past the last; first corner and past the last
uniform sampler2D deltas;    // displacement in cm at weight 1, number of the shape
uniform sampler2D weights;   // of each shape
uniform mat4 pose;

out vec4 moved;

ivec2 cell(int number) {
    return ivec2(number & 1023, number >> 10);
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 own = texelFetch(rest, at, 0);
    ivec2 range = texelFetch(ranges, at, 0).xy;
    vec3 place = own.xyz;
    for (int i = range.x; i < range.y; i++) {
        vec4 delta = texelFetch(deltas, cell(i), 0);
        place += delta.xyz * texelFetch(weights, cell(int(delta.w)), 0).x;
    }
    moved = vec4(mix(place, (pose * vec4(place, 1.0)).xyz, own.w), 1.0);
}
