#version 330 core
// Second pass: skin, eyes, teeth. Wrapped diffuse light whose red reaches further round than its blue (light
// bleeding under the skin), GGX highlights, and a sky, dimmed by the baked share of it that the point sees: of two
// colours, or of harmonics of a picture where SURROUNDINGS is defined.
uniform sampler2D surface;
uniform sampler2D shape;
uniform vec4 materials[256];  // roughness, specular, subsurface
uniform mat3 axes;            // columns: the camera's right, top and back
uniform vec2 extent;          // tangents of half the field of view
uniform mat3 lights;          // columns: directions towards key, fill and rim light
uniform vec3 key_color;
uniform vec3 fill_color;
uniform vec3 rim_color;
#ifdef SURROUNDINGS
uniform vec3 soft[9];         // on matt surfaces
uniform vec3 sharp[9];        // in a mirror

vec3 around(vec3 table[9], vec3 d) {
    return max(table[0] + table[1] * d.x + table[2] * d.y + table[3] * d.z + table[4] * (d.x * d.y)
         + table[5] * (d.y * d.z) + table[6] * (d.z * d.x) + table[7] * (d.x * d.x - d.y * d.y)
         + table[8] * (3.0 * d.z * d.z - 1.0), 0.0);
}

vec3 sky(vec3 n) { return around(soft, n); }
vec3 mirrored(vec3 d) { return around(sharp, d); }
#else
uniform vec3 sky_color;
uniform vec3 ground_color;

vec3 sky(vec3 n) { return mix(ground_color, sky_color, 0.5 + 0.5 * n.y); }
vec3 mirrored(vec3 d) { return mix(ground_color, sky_color, smoothstep(-0.3, 0.6, d.y)); }
#endif

in vec2 place;
out vec4 pixel;

// Polynomials near the sRGB curves: a power for each channel would cost as much as all the rest.
vec3 linear_from_srgb(vec3 c) {
    return c * (c * (c * 0.305306011 + 0.682171111) + 0.012522878);
}

vec3 display(vec3 c) {
    c = clamp(c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14), 0.0, 1.0);
    vec3 root = sqrt(c), fourth = sqrt(root);
    return clamp(0.662002687 * root + 0.684122060 * fourth - 0.323583601 * sqrt(fourth) - 0.0225411470 * c, 0.0, 1.0);
}

vec3 bleed(float cosine, float depth) {
    vec3 reach = depth * vec3(0.50, 0.22, 0.14);
    return clamp((vec3(cosine) + reach) / (1.0 + reach), 0.0, 1.0) / (1.0 + reach);
}

float highlight(vec3 n, vec3 v, vec3 l, float rough) {
    vec3 h = normalize(v + l);
    float a = rough * rough;
    float nh = max(dot(n, h), 0.0);
    float d = nh * nh * (a * a - 1.0) + 1.0;
    float vh = max(dot(v, h), 0.1);
    return a * a / (d * d * 4.0 * vh * vh * (rough + 0.5)) * max(dot(n, l), 0.0);
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 seen = texelFetch(shape, at, 0) * vec4(2.0, 2.0, 2.0, 257.0) - vec4(1.0, 1.0, 1.0, 0.0);
    vec4 paint = texelFetch(surface, at, 0);
    vec4 material = materials[int(seen.w) - 1];
    vec3 v = normalize(axes * vec3((1.0 - 2.0 * place.x) * extent.x, (2.0 * place.y - 1.0) * extent.y, 1.0));
    float reach = length(seen.xyz);
    vec3 n = seen.xyz / max(reach, 1e-4);
    float lit = clamp((reach - 0.25) / 0.75, 0.0, 1.0);
    n = dot(n, v) < -0.2 ? -n : n;
    float rough = material.x;
    float reflect0 = material.y;
    float depth = material.z;
    // Light that bounces from wall to wall brightens hollows beyond their share of the sky.
    float open = 0.05 + 0.95 * sqrt(paint.a) * sqrt(sqrt(paint.a));
    vec3 rim = rim_color * fract(seen.w) / 0.49;
    vec3 albedo = linear_from_srgb(paint.rgb);

    // It takes on their colour.
    vec3 inside = open / (1.0 - 0.75 * albedo * (1.0 - open));
    float shade = smoothstep(0.0, 0.55, open);
    // Red light travels further under the skin, so that its shadows have softer, warmer borders.
    vec3 shadow = vec3(mix(lit, sqrt(lit), 0.7 * depth), lit, mix(lit, lit * lit, 0.2 * depth));
    vec3 light = sky(n) * inside;
    light += key_color * bleed(dot(n, lights[0]), depth) * shadow;
    light += fill_color * bleed(dot(n, lights[1]), depth) * shade;
    light += rim * max(dot(n, lights[2]), 0.0) * 0.35;
    vec3 color = albedo * light;

    color += reflect0 * lit * key_color * highlight(n, v, lights[0], rough);
    color += reflect0 * rim * highlight(n, v, lights[2], max(rough, 0.4));
    float grazing = 1.0 - max(dot(n, v), 0.0);
    float fresnel = reflect0 + (0.6 - 0.6 * rough) * grazing * grazing * grazing * grazing * grazing;
    color += fresnel * mirrored(reflect(-v, n)) * open * (1.0 - 0.7 * rough);
    pixel = vec4(display(color), 1.0);
}
