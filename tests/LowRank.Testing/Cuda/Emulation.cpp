// Runs the kernels of Kernels.cu on the processor: a stand-in for each word of CUDA that they use, and every thread of a block as a context of its own. A barrier goes on with the
// next thread; when all have arrived the first one returns from it. (-D_FORTIFY_SOURCE=0: its check of longjmp takes the switch of stacks for an error.) Compiled as C++17 with the kernels' source beside it; the sums have the order that they have on a GPU.
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

struct Index { unsigned x, y, z; };
Index threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(threads)
// One block runs at a time.
#define __shared__ static

namespace
{
const size_t StackBytes = 64 << 10;
const unsigned MostThreads = 1024;

// A thread lives as long as the process and runs one body after another: what is switched between is saved by setjmp, which makes no system call.
struct Thread { ucontext_t context; std::vector<char> stack; jmp_buf place; bool begun, done; };

Thread threads[MostThreads];
jmp_buf scheduler;
unsigned current;
std::function<void()> body;
char exchanged[MostThreads][sizeof(double)];

void arrive()
{
    if (!_setjmp(threads[current].place)) _longjmp(scheduler, 1);
}

void live()
{
    for (;;)
    {
        body();
        threads[current].done = true;
        arrive();
    }
}

// Runs the current thread until it arrives at a barrier or is done.
void go_on()
{
    Thread& thread = threads[current];
    if (_setjmp(scheduler)) return;
    if (thread.begun) _longjmp(thread.place, 1);
    thread.begun = true;
    thread.stack.resize(StackBytes);
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    // Stacks at the same distance would share a few lines of the cache.
    thread.context.uc_stack.ss_size = StackBytes - current % 61 * 192;
    makecontext(&thread.context, live, 0);
    setcontext(&thread.context);
}

// False where some threads of a block wait at a barrier that others never reach: on a GPU that hangs or computes nonsense.
bool run_block()
{
    for (unsigned t = 0; t < blockDim.x; t++) threads[t].done = false;
    for (unsigned done = 0; done < blockDim.x;)
    {
        done = 0;
        for (current = 0; current < blockDim.x; current++)
        {
            threadIdx = {current, 0, 0};
            go_on();
            done += threads[current].done;
        }
        if (done > 0 && done < blockDim.x) return false;
    }
    return true;
}

// Threads that never wait for each other run one after another.
bool run_apart()
{
    for (unsigned t = 0; t < blockDim.x; t++)
    {
        threadIdx = {t, 0, 0};
        body();
    }
    return true;
}

void __syncthreads() { arrive(); }

template<typename T> T __shfl_xor_sync(unsigned, T x, int distance)
{
    unsigned self = current;
    memcpy(exchanged[self], &x, sizeof x);
    arrive();
    T other;
    memcpy(&other, exchanged[self ^ distance], sizeof other);
    arrive();
    return other;
}

float __uint_as_float(unsigned bits) { float x; memcpy(&x, &bits, sizeof x); return x; }

unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, sizeof bits); return bits; }

template<typename... P, size_t... I> std::function<void()> bound(void (*kernel)(P...), void** arguments, std::index_sequence<I...>)
{
    std::tuple<P...> values{*(P*)arguments[I]...};
    return [=] { std::apply(kernel, values); };
}

template<typename... P> std::function<void()> bind_arguments(void (*kernel)(P...), void** arguments) { return bound(kernel, arguments, std::index_sequence_for<P...>()); }
}

#include "Kernels.cu"

static std::function<void()> find(const char* name, void** arguments, bool* has_barriers)
{
#define KERNEL(k) if (!strcmp(name, #k)) return bind_arguments(k, arguments);
    *has_barriers = false;
    KERNEL(dequantize_f32) KERNEL(dequantize_bf16) KERNEL(dequantize_fp16)
    KERNEL(gated_forward_f32) KERNEL(gated_forward_bf16) KERNEL(gated_backward_f32) KERNEL(gated_backward_bf16)
    KERNEL(rms_norm_weight_parts_f32) KERNEL(rms_norm_weight_parts_bf16) KERNEL(sum_parts)
    KERNEL(rotate_f32) KERNEL(rotate_bf16) KERNEL(adamw)
    *has_barriers = true;
    KERNEL(rms_norm_forward_f32) KERNEL(rms_norm_forward_bf16) KERNEL(rms_norm_backward_f32) KERNEL(rms_norm_backward_bf16) KERNEL(cross_entropy) KERNEL(square_sums)
    return nullptr;
}

// 0, or 1 for a name that is not known, or 2 where the threads of a block part at a barrier.
extern "C" int launch(const char* name, unsigned grid_x, unsigned grid_y, unsigned block, void** arguments)
{
    static std::mutex gate;
    std::lock_guard<std::mutex> held(gate);
    bool has_barriers;
    body = find(name, arguments, &has_barriers);
    if (!body || block > MostThreads) return 1;
    gridDim = {grid_x, grid_y, 1};
    blockDim = {block, 1, 1};
    for (unsigned y = 0; y < grid_y; y++)
        for (unsigned x = 0; x < grid_x; x++)
        {
            blockIdx = {x, y, 0};
            if (!(has_barriers ? run_block() : run_apart())) return 2;
        }
    return 0;
}
