// The CUDA kernels of LowRank: compiled by NVRTC when a GPU is used for the first time (docs/cuda.md), and by a C++ compiler in the tests, which run every thread of a block
// on the processor. So nothing is included and nothing is used that C++ with a few stand-ins lacks: no inline PTX, no vendor types; 16-bit numbers are their bits.
//
// Every kernel is bound by memory, so --fmad=false costs nothing: products and sums are rounded one by one, as the kernels of the CPU and tensor
// operations round them, and where those fuse, fmaf says so. Never with fast math. Sums run in a fixed order (no atomics): a run repeats bit for bit on the same GPU.
// Loops step by the size of the grid, so that any grid is right.

typedef long long int64;
typedef unsigned short half_bits;

#define THREADS 256
#define WARP 32
#define WARPS (THREADS / WARP)

struct bf16 { half_bits bits; };
struct fp16 { half_bits bits; };

static __device__ __forceinline__ float to_float(float x) { return x; }

static __device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

static __device__ __forceinline__ float to_float(fp16 x)
{
    unsigned sign = (unsigned)(x.bits & 0x8000) << 16, magnitude = x.bits & 0x7fff;
    if (magnitude >= 0x7c00) return __uint_as_float(sign | 0x7f800000 | (magnitude << 13));
    if (magnitude >= 0x0400) return __uint_as_float(sign | ((magnitude << 13) + 0x38000000));
    // Below the least normal number: a whole multiple of 2^-24.
    return __uint_as_float(sign | __float_as_uint((float)magnitude * 5.9604644775390625e-8f));
}

// To nearest, ties to even; a NaN becomes a quiet one.
static __device__ __forceinline__ void store(float* at, float x) { *at = x; }

static __device__ __forceinline__ void store(bf16* at, float x)
{
    unsigned bits = __float_as_uint(x);
    at->bits = (bits & 0x7fffffff) > 0x7f800000 ? (half_bits)0x7fc0 : (half_bits)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static __device__ __forceinline__ void store(fp16* at, float x)
{
    unsigned bits = __float_as_uint(x), sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
    unsigned result;
    if (magnitude > 0x7f800000) result = 0x7e00;
    else if (magnitude >= 0x477ff000) result = 0x7c00;
    else if (magnitude >= 0x38800000) result = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    // The sum with 0.5 rounds to multiples of 2^-24, whose number then stands in the lowest bits.
    else result = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000;
    at->bits = (half_bits)(sign | result);
}

static __device__ __forceinline__ int64 first_index() { return (int64)blockIdx.x * blockDim.x + threadIdx.x; }

static __device__ __forceinline__ int64 grid_step() { return (int64)gridDim.x * blockDim.x; }

// The sum of a value of each thread of a block of THREADS threads, in every thread. All of them must come here.
template<typename T> static __device__ __forceinline__ T block_sum(T x, T* shared)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    T sum = shared[0];
    for (int warp = 1; warp < WARPS; warp++) sum += shared[warp];
    // Before the next use of the shared numbers.
    __syncthreads();
    return sum;
}

static __device__ __forceinline__ float block_max(float x, float* shared)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    float max = shared[0];
    for (int warp = 1; warp < WARPS; warp++) max = fmaxf(max, shared[warp]);
    __syncthreads();
    return max;
}

// ---- 4-bit weights: table[code] * scale, the scale decoded in the same launch: value * nested scale + offset -------------------------------------------------------------

#define NESTED_SHIFT 8
#define ROUND_BF16 1
#define ROUND_FP16 2

static __device__ __forceinline__ float rounded(float x, int rounding)
{
    if (rounding == ROUND_BF16) { bf16 b; store(&b, x); return to_float(b); }
    if (rounding == ROUND_FP16) { fp16 h; store(&h, x); return to_float(h); }
    return x;
}

// A thread takes the elements of two bytes. Blocks have at least 32 elements, so these four share a scale.
template<typename T> static __device__ __forceinline__ void dequantize(const unsigned char* packed, const unsigned char* absmax, const float* nested, const float* nested_values,
    float offset, const float* table, int block_shift, int rounding, int64 start, int64 count, T* target)
{
    int64 end = start + count;
    for (int64 four = start / 4 + first_index(); four * 4 < end; four += grid_step())
    {
        int64 block = four * 4 >> block_shift;
        float scale = nested ? nested_values[absmax[block]] * nested[block >> NESTED_SHIFT] + offset : ((const float*)absmax)[block];
        for (int k = 0; k < 4; k++)
        {
            int64 at = four * 4 + k;
            if (at < start || at >= end) continue;
            unsigned char pair = packed[at >> 1];
            store(target + (at - start), rounded(table[at & 1 ? pair & 15 : pair >> 4] * scale, rounding));
        }
    }
}

#define DEQUANTIZE(name, T) extern "C" __global__ void __launch_bounds__(THREADS) name(const unsigned char* packed, const unsigned char* absmax, const float* nested, \
    const float* nested_values, float offset, const float* table, int block_shift, int rounding, int64 start, int64 count, T* target) \
{ dequantize(packed, absmax, nested, nested_values, offset, table, block_shift, rounding, start, count, target); }

DEQUANTIZE(dequantize_f32, float)
DEQUANTIZE(dequantize_bf16, bf16)
DEQUANTIZE(dequantize_fp16, fp16)

// ---- Gated activation: act(gate) * up, with act = silu or the tanh form of gelu --------------------------------------------------------------------------------------------

static __device__ __forceinline__ void activate(int gelu, float x, float* value, float* slope)
{
    if (!gelu)
    {
        float s = 1.0f / (1.0f + expf(-x));
        *value = x * s;
        *slope = fmaf(*value, 1.0f - s, s);
        return;
    }
    const float scale = 0.7978845608028654f, cube = 0.044715f;
    float square = x * x;
    float t = tanhf(scale * x * fmaf(square, cube, 1.0f));
    float half = 0.5f * (1.0f + t);
    *value = x * half;
    *slope = fmaf(0.5f * x * (1.0f - t * t), scale * fmaf(square, 3.0f * cube, 1.0f), half);
}

template<typename T> static __device__ __forceinline__ void gated_forward(int gelu, const T* gate, const T* up, int64 count, T* y)
{
    for (int64 i = first_index(); i < count; i += grid_step())
    {
        float value, slope;
        activate(gelu, to_float(gate[i]), &value, &slope);
        store(y + i, value * to_float(up[i]));
    }
}

// The gradients are written over the inputs.
template<typename T> static __device__ __forceinline__ void gated_backward(int gelu, const T* dy, T* gate, T* up, int64 count)
{
    for (int64 i = first_index(); i < count; i += grid_step())
    {
        float value, slope, d = to_float(dy[i]), u = to_float(up[i]);
        activate(gelu, to_float(gate[i]), &value, &slope);
        store(gate + i, d * u * slope);
        store(up + i, d * value);
    }
}

#define GATED(suffix, T) \
extern "C" __global__ void __launch_bounds__(THREADS) gated_forward_##suffix(int gelu, const T* gate, const T* up, int64 count, T* y) { gated_forward(gelu, gate, up, count, y); } \
extern "C" __global__ void __launch_bounds__(THREADS) gated_backward_##suffix(int gelu, const T* dy, T* gate, T* up, int64 count) { gated_backward(gelu, dy, gate, up, count); }

GATED(f32, float)
GATED(bf16, bf16)

// ---- RMSNorm: y = x * r * w, r = 1 / sqrt(mean(x^2) + epsilon); a block of threads for each row ------------------------------------------------------------------------------

// round_first: x * r and w are rounded to the type before they are multiplied, as the Llama models of transformers do; it shows in 16 bits only.
template<typename T> static __device__ __forceinline__ void rms_norm_forward(const T* x, const float* w, double epsilon, int64 rows, int n, int round_first, T* y, float* r)
{
    __shared__ float sums[WARPS];
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x)
    {
        const T* px = x + row * n;
        T* py = y + row * n;
        float sum = 0;
        for (int i = threadIdx.x; i < n; i += THREADS) { float v = to_float(px[i]); sum = fmaf(v, v, sum); }
        sum = block_sum(sum, sums);
        float factor = (float)(1.0 / sqrt((double)sum / n + epsilon));
        if (threadIdx.x == 0) r[row] = factor;
        for (int i = threadIdx.x; i < n; i += THREADS)
        {
            float v = to_float(px[i]) * factor, by = w[i];
            if (round_first)
            {
                T a, b;
                store(&a, v);
                store(&b, by);
                v = to_float(a);
                by = to_float(b);
            }
            store(py + i, v * by);
        }
    }
}

// dx = r * g * w - x * r^3 * mean(g * w * x)
template<typename T> static __device__ __forceinline__ void rms_norm_backward(const T* g, const T* x, const float* w, const float* r, int64 rows, int n, T* dx)
{
    __shared__ float sums[WARPS];
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x)
    {
        const T *pg = g + row * n, *px = x + row * n;
        T* pd = dx + row * n;
        float sum = 0;
        for (int i = threadIdx.x; i < n; i += THREADS) sum = fmaf(to_float(pg[i]) * w[i], to_float(px[i]), sum);
        sum = block_sum(sum, sums);
        float factor = r[row], shrink = factor * factor * factor * sum / n;
        for (int i = threadIdx.x; i < n; i += THREADS) store(pd + i, fmaf(to_float(px[i]), -shrink, to_float(pg[i]) * w[i] * factor));
    }
}

// dw = sum of g * x * r over the rows: a part of the rows for each blockIdx.y, whatever the grid's width, then the parts in order.
template<typename T> static __device__ __forceinline__ void rms_norm_weight_parts(const T* g, const T* x, const float* r, int64 rows, int n, float* parts)
{
    int64 part = blockIdx.y, all = gridDim.y;
    for (int64 i = first_index(); i < n; i += grid_step())
    {
        float sum = 0;
        for (int64 row = rows * part / all; row < rows * (part + 1) / all; row++) sum += to_float(g[row * n + i]) * (to_float(x[row * n + i]) * r[row]);
        parts[part * n + i] = sum;
    }
}

#define RMS_NORM(suffix, T) \
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_forward_##suffix(const T* x, const float* w, double epsilon, int64 rows, int n, int round_first, T* y, float* r) { rms_norm_forward(x, w, epsilon, rows, n, round_first, y, r); } \
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_backward_##suffix(const T* g, const T* x, const float* w, const float* r, int64 rows, int n, T* dx) { rms_norm_backward(g, x, w, r, rows, n, dx); } \
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_weight_parts_##suffix(const T* g, const T* x, const float* r, int64 rows, int n, float* parts) { rms_norm_weight_parts(g, x, r, rows, n, parts); }

RMS_NORM(f32, float)
RMS_NORM(bf16, bf16)

extern "C" __global__ void __launch_bounds__(THREADS) sum_parts(const float* parts, int count, int n, float* sums)
{
    for (int64 i = first_index(); i < n; i += grid_step())
    {
        float sum = 0;
        for (int part = 0; part < count; part++) sum += parts[(int64)part * n + i];
        sums[i] = sum;
    }
}

// ---- Rotary position embedding, halves of a head as pairs ------------------------------------------------------------------------------------------------------------------

// x and y are [tokens, heads, size] and may be the same; cosine and sine [tokens, half].
template<typename T> static __device__ __forceinline__ void rotate(const T* x, const T* cosine, const T* sine, int64 tokens, int heads, int size, int half, int back, T* y)
{
    // A thread for each pair, and for each value behind the pairs.
    int64 width = size - half, count = tokens * heads * width;
    for (int64 at = first_index(); at < count; at += grid_step())
    {
        int64 head = at / width, token = head / heads;
        int i = (int)(at % width);
        const T* from = x + head * size;
        T* to = y + head * size;
        if (i >= half)
        {
            to[half + i] = from[half + i];
            continue;
        }
        float a = to_float(from[i]), b = to_float(from[half + i]), c = to_float(cosine[token * half + i]), s = to_float(sine[token * half + i]);
        if (back) s = -s;
        store(to + i, a * c - b * s);
        store(to + half + i, b * c + a * s);
    }
}

#define ROTATE(name, T) extern "C" __global__ void __launch_bounds__(THREADS) name(const T* x, const T* cosine, const T* sine, int64 tokens, int heads, int size, int half, int back, T* y) \
{ rotate(x, cosine, sine, tokens, heads, size, half, back, y); }

ROTATE(rotate_f32, float)
ROTATE(rotate_bf16, bf16)

// ---- Cross-entropy of fp32 logits, scale times the gradient written over them ------------------------------------------------------------------------------------------------

// A target outside the vocabulary gives a loss of NaN and leaves its row: whoever sums looks for it.
extern "C" __global__ void __launch_bounds__(THREADS) cross_entropy(float* logits, const int64* targets, int64 rows, int columns, float scale, int write_gradient, double* losses)
{
    __shared__ float numbers[WARPS];
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x)
    {
        float* p = logits + row * columns;
        int64 target = targets[row];
        if (target < 0 || target >= columns)
        {
            if (threadIdx.x == 0) losses[row] = (double)__uint_as_float(0x7fc00000);
            continue;
        }
        float max = -__uint_as_float(0x7f800000);
        for (int i = threadIdx.x; i < columns; i += THREADS) max = fmaxf(max, p[i]);
        max = block_max(max, numbers);
        float sum = 0;
        for (int i = threadIdx.x; i < columns; i += THREADS) sum += expf(p[i] - max);
        sum = block_sum(sum, numbers);
        // As log_softmax rounds: (logit - max) - log(sum).
        if (threadIdx.x == 0) losses[row] = -(double)(p[target] - max - logf(sum));
        if (!write_gradient) continue;
        // The loss reads a logit that another thread overwrites.
        __syncthreads();
        float factor = scale / sum;
        for (int i = threadIdx.x; i < columns; i += THREADS)
        {
            float g = expf(p[i] - max) * factor;
            p[i] = i == target ? g - scale : g;
        }
    }
}

// ---- Optimizer ---------------------------------------------------------------------------------------------------------------------------------------------------------------

// AdamW over a piece of the flat buffers, the operations in the order of the CPU's kernel and of torch's: root and division are rounded correctly, so the results are equal.
extern "C" __global__ void __launch_bounds__(THREADS) adamw(float* values, const float* gradients, float* first, float* second, int64 count,
    float keep, float one_minus_beta1, float beta2, float one_minus_beta2, float root_correction, float epsilon, float step_size)
{
    for (int64 i = first_index(); i < count; i += grid_step())
    {
        float gradient = gradients[i], mean = first[i];
        mean += one_minus_beta1 * (gradient - mean);
        float square = second[i] * beta2 + one_minus_beta2 * gradient * gradient;
        first[i] = mean;
        second[i] = square;
        values[i] = values[i] * keep - step_size * mean / (sqrtf(square) / root_correction + epsilon);
    }
}

// The sum of squares of each piece of the buffer, in fp64.
extern "C" __global__ void __launch_bounds__(THREADS) square_sums(const float* x, int64 count, int piece, double* sums)
{
    __shared__ double numbers[WARPS];
    for (int64 at = blockIdx.x; at * piece < count; at += gridDim.x)
    {
        double sum = 0;
        for (int64 i = at * piece + threadIdx.x; i < count && i < (at + 1) * piece; i += THREADS) sum += (double)x[i] * x[i];
        sum = block_sum(sum, numbers);
        if (threadIdx.x == 0) sums[at] = sum;
    }
}
