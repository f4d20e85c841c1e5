// The operations of a plan on CUDA, forward and back, but for matrix products, which are cuBLAS's. Arrays are f32 and
// channels last; `clips` of them lie one after the other. `add` adds to what is there instead of writing over it.
//
// Kernels come in two forms: one thread for each number ("for every number" below), and columns: blocks of 32 channels by 8
// rows, in which a thread walks down a channel, so that 32 neighbours read 128 bytes together.

typedef unsigned int uint;

#define FOR_EVERY_NUMBER(i, n)                                                                                        \
  for (uint i = blockIdx.x * blockDim.x + threadIdx.x, i##_step = gridDim.x * blockDim.x; i < (n); i += i##_step)

static __device__ __forceinline__ void put(float *to, float value, int add) { *to = add ? *to + value : value; }

static __device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static __device__ __forceinline__ float silu_slope(float x) {
  float s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

// --- Moving values -----------------------------------------------------------------------------------------------------

// Frames between `edge` numbers of zeros or of the other end, and zeros up to the padded length.
extern "C" __global__ void pad(float *out, const float *x, uint clips, uint len, uint padded, uint edge, int circular) {
  FOR_EVERY_NUMBER(i, clips * padded) {
    uint clip = i / padded, k = i % padded;
    float value = 0.0f;
    if (k >= edge && k < edge + len) value = x[clip * len + k - edge];
    else if (circular && k < edge) value = x[clip * len + len - edge + k];
    else if (circular && k < 2 * edge + len) value = x[clip * len + k - edge - len];
    out[i] = value;
  }
}

extern "C" __global__ void unpad(float *x, const float *out, uint clips, uint len, uint padded, uint edge, int circular,
                                 int add) {
  FOR_EVERY_NUMBER(i, clips * len) {
    uint clip = i / len, k = i % len;
    const float *from = out + clip * padded;
    float value = from[k + edge];
    if (circular && k >= len - edge) value += from[k - (len - edge)];
    if (circular && k < edge) value += from[edge + len + k];
    put(x + i, value, add);
  }
}

extern "C" __global__ void concat(float *out, const float *a, const float *b, uint rows, uint a_channels, uint b_channels) {
  uint channels = a_channels + b_channels;
  FOR_EVERY_NUMBER(i, rows * channels) {
    uint row = i / channels, c = i % channels;
    out[i] = c < a_channels ? a[row * a_channels + c] : b[row * b_channels + c - a_channels];
  }
}

// `width` channels from `first` on of rows of `channels`: the gradient of concat.
extern "C" __global__ void cut_channels(float *to, const float *from, uint rows, uint channels, uint first, uint width,
                                        int add) {
  FOR_EVERY_NUMBER(i, rows * width) put(to + i, from[i / width * channels + first + i % width], add);
}

extern "C" __global__ void repeat(float *out, const float *x, uint clips, uint frames, uint out_frames, uint factor,
                                  uint channels) {
  FOR_EVERY_NUMBER(i, clips * out_frames * channels) {
    uint c = i % channels, frame = i / channels % out_frames, clip = i / channels / out_frames;
    out[i] = x[(clip * frames + frame / factor) * channels + c];
  }
}

extern "C" __global__ void fold_repeats(float *x, const float *out, uint clips, uint frames, uint out_frames, uint factor,
                                        uint channels, int add) {
  FOR_EVERY_NUMBER(i, clips * frames * channels) {
    uint c = i % channels, frame = i / channels % frames, clip = i / channels / frames;
    float sum = 0.0f;
    for (uint k = frame * factor; k < (frame + 1) * factor && k < out_frames; k++)
      sum += out[(clip * out_frames + k) * channels + c];
    put(x + i, sum, add);
  }
}

// From [frames, across, channels, along] to [frames, channels, across, along], or back.
extern "C" __global__ void patches(float *to, const float *from, uint n, uint across, uint channels, uint along, int back,
                                   int add) {
  FOR_EVERY_NUMBER(i, n) {
    // As it lies in `to`: rows (channels, or across when going back), then columns of the other.
    uint l = i % along, rest = i / along;
    uint inner = back ? channels : across, outer = back ? across : channels;
    uint b = rest % inner, a = rest / inner % outer, frame = rest / inner / outer;
    put(to + i, from[((frame * inner + b) * outer + a) * along + l], add);
  }
}

// Rows of `inner` numbers that begin `step` apart: what the rows of a convolution see.
extern "C" __global__ void windows(float *out, const float *x, uint clips, uint len, uint rows, uint inner, uint step) {
  FOR_EVERY_NUMBER(i, clips * rows * inner) {
    uint j = i % inner, row = i / inner % rows, clip = i / inner / rows;
    out[i] = x[clip * len + row * step + j];
  }
}

extern "C" __global__ void unwindows(float *x, const float *grad, uint clips, uint len, uint rows, uint inner, uint step,
                                     int add) {
  FOR_EVERY_NUMBER(i, clips * len) {
    uint clip = i / len, k = i % len;
    uint first = k + 1 > inner ? (k + 1 - inner + step - 1) / step : 0;
    float sum = 0.0f;
    for (uint row = first; row * step <= k && row < rows; row++) sum += grad[(clip * rows + row) * inner + k - row * step];
    put(x + i, sum, add);
  }
}

// --- For every number --------------------------------------------------------------------------------------------------

extern "C" __global__ void put_values(float *to, const float *from, uint n, int add) {
  FOR_EVERY_NUMBER(i, n) put(to + i, from[i], add);
}

extern "C" __global__ void put_sum(float *to, const float *a, const float *b, uint n, int add) {
  FOR_EVERY_NUMBER(i, n) put(to + i, a[i] + b[i], add);
}

// `x` plus `period` numbers, over and over. `x` may be absent: then these alone.
extern "C" __global__ void add_repeated(float *out, const float *x, const float *values, uint n, uint period) {
  FOR_EVERY_NUMBER(i, n) out[i] = (x ? x[i] : 0.0f) + values[i % period];
}

extern "C" __global__ void gate(float *out, const float *y, const float *x, const float *gates, uint n, uint len,
                                uint channels) {
  FOR_EVERY_NUMBER(i, n) out[i] = y[i] + x[i] * gates[i / len * channels + i % channels];
}

extern "C" __global__ void silu(float *out, const float *x, uint n) { FOR_EVERY_NUMBER(i, n) out[i] = x[i] * sigmoid(x[i]); }

extern "C" __global__ void silu_gradient(float *to, const float *x, const float *grad, uint n, int add) {
  FOR_EVERY_NUMBER(i, n) put(to + i, grad[i] * silu_slope(x[i]), add);
}

// `wide` takes its bias; `active` is SiLU of it.
extern "C" __global__ void bias_silu(float *active, float *wide, const float *bias, uint n, uint channels) {
  FOR_EVERY_NUMBER(i, n) {
    float x = wide[i] + bias[i % channels];
    wide[i] = x;
    active[i] = x * sigmoid(x);
  }
}

// out = x a + b, with a and b for every channel of a clip, then SiLU if `activate`.
extern "C" __global__ void affine(float *out, const float *x, const float *ab, uint n, uint len, uint channels, int activate) {
  FOR_EVERY_NUMBER(i, n) {
    const float *a = ab + i / len * 2 * channels + i % channels;
    float y = x[i] * a[0] + a[channels];
    out[i] = activate ? y * sigmoid(y) : y;
  }
}

// --- Columns -----------------------------------------------------------------------------------------------------------

#define ROWS 8

// The sum of the block's rows of a column, in row 0.
static __device__ float sum_of_rows(float value, float (*memory)[32]) {
  memory[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float sum = 0.0f;
  if (threadIdx.y == 0)
    for (int row = 0; row < ROWS; row++) sum += memory[row][threadIdx.x];
  __syncthreads();
  return sum;
}

// to += the sum of every column of [rows, columns]; `chunk` rows a block.
extern "C" __global__ void column_sums(float *to, const float *x, uint rows, uint columns, uint chunk) {
  __shared__ float memory[ROWS][32];
  uint c = blockIdx.y * 32 + threadIdx.x, first = blockIdx.x * chunk;
  float sum = 0.0f;
  if (c < columns)
    for (uint row = first + threadIdx.y; row < first + chunk && row < rows; row += ROWS) sum += x[row * columns + c];
  sum = sum_of_rows(sum, memory);
  if (threadIdx.y == 0 && c < columns) atomicAdd(to + c, sum);
}

// Of every channel of a clip, the sum and the sum of squares: added to sums[clip][2][channels].
extern "C" __global__ void moments(double *sums, const float *x, uint rows, uint channels, uint chunk) {
  __shared__ float memory[ROWS][32];
  uint c = blockIdx.y * 32 + threadIdx.x, first = blockIdx.x * chunk;
  x += blockIdx.z * rows * channels;
  float sum = 0.0f, squares = 0.0f;
  if (c < channels)
    for (uint row = first + threadIdx.y; row < first + chunk && row < rows; row += ROWS) {
      float value = x[row * channels + c];
      sum += value;
      squares += value * value;
    }
  sum = sum_of_rows(sum, memory);
  squares = sum_of_rows(squares, memory);
  if (threadIdx.y == 0 && c < channels) {
    atomicAdd(sums + blockIdx.z * 2 * channels + c, (double)sum);
    atomicAdd(sums + (blockIdx.z * 2 + 1) * channels + c, (double)squares);
  }
}

// The same of gradients and of gradients times x; through SiLU first if `activate`.
extern "C" __global__ void norm_sums(double *sums, const float *x, const float *grad, const float *ab, uint rows,
                                     uint channels, uint chunk, int activate) {
  __shared__ float memory[ROWS][32];
  uint c = blockIdx.y * 32 + threadIdx.x, first = blockIdx.x * chunk, start = blockIdx.z * rows * channels;
  float sum = 0.0f, products = 0.0f;
  if (c < channels) {
    float a = ab[blockIdx.z * 2 * channels + c], b = ab[(blockIdx.z * 2 + 1) * channels + c];
    for (uint row = first + threadIdx.y; row < first + chunk && row < rows; row += ROWS) {
      float value = x[start + row * channels + c], g = grad[start + row * channels + c];
      if (activate) g *= silu_slope(value * a + b);
      sum += g;
      products += g * value;
    }
  }
  sum = sum_of_rows(sum, memory);
  products = sum_of_rows(products, memory);
  if (threadIdx.y == 0 && c < channels) {
    atomicAdd(sums + blockIdx.z * 2 * channels + c, (double)sum);
    atomicAdd(sums + (blockIdx.z * 2 + 1) * channels + c, (double)products);
  }
}

// The gradient of every gate of a clip: the sum of grad times x down its channel.
extern "C" __global__ void gate_gradient(float *gates, const float *x, const float *grad, uint rows, uint channels, int add) {
  __shared__ float memory[ROWS][32];
  uint c = blockIdx.x * 32 + threadIdx.x, start = blockIdx.y * rows * channels;
  float sum = 0.0f;
  if (c < channels)
    for (uint row = threadIdx.y; row < rows; row += ROWS) sum += x[start + row * channels + c] * grad[start + row * channels + c];
  sum = sum_of_rows(sum, memory);
  if (threadIdx.y == 0 && c < channels) put(gates + blockIdx.y * channels + c, sum, add);
}

// --- Normalisation by group: one thread for every channel of a clip ----------------------------------------------------

// Mean and reciprocal standard deviation of every channel's group, at stats[clip][0..2][channels], clips `stride` apart.
extern "C" __global__ void statistics(float *stats, const double *sums, uint clips, uint stride, uint rows, uint channels,
                                      uint groups, float epsilon) {
  uint width = channels / groups;
  FOR_EVERY_NUMBER(i, clips * channels) {
    uint clip = i / channels, c = i % channels, first = c / width * width;
    const double *own = sums + clip * 2 * channels;
    double sum = 0.0, squares = 0.0;
    for (uint k = first; k < first + width; k++) {
      sum += own[k];
      squares += own[channels + k];
    }
    double count = (double)rows * width, mean = sum / count, variance = squares / count - mean * mean;
    stats[clip * stride + c] = (float)mean;
    stats[clip * stride + channels + c] = (float)(1.0 / sqrt((variance > 0.0 ? variance : 0.0) + (double)epsilon));
  }
}

// The affine map ab[clip][2][channels] that statistics, scale, shift and modulation (`film`, may be absent) make.
extern "C" __global__ void modulate(float *ab, const float *stats, const float *film, const float *scale, const float *shift,
                                    uint clips, uint stride, uint channels) {
  FOR_EVERY_NUMBER(i, clips * channels) {
    uint clip = i / channels, c = i % channels;
    float gain = film ? 1.0f + film[clip * 2 * channels + c] : 1.0f;
    float offset = film ? film[(clip * 2 + 1) * channels + c] : 0.0f;
    float a = stats[clip * stride + channels + c] * scale[c] * gain;
    ab[clip * 2 * channels + c] = a;
    ab[(clip * 2 + 1) * channels + c] = shift[c] * gain + offset - a * stats[clip * stride + c];
  }
}

// From the sums of norm_sums: the gradients of the modulated scale and shift, at own[clip][2][channels], and k[clip][3]
// [channels] such that the gradient of x is grad k0 + x k1 + k2.
extern "C" __global__ void norm_coefficients(float *own, float *k, const double *sums, const float *stats, const float *film,
                                             const float *scale, uint clips, uint stride, uint rows, uint channels,
                                             uint groups) {
  uint width = channels / groups;
  FOR_EVERY_NUMBER(i, clips * channels) {
    uint clip = i / channels, c = i % channels, first = c / width * width;
    const double *g = sums + clip * 2 * channels, *gx = g + channels;
    float mean = stats[clip * stride + c], inverse = stats[clip * stride + channels + c];
    // The means over the group of grad scale, and of grad scale times the normalised x.
    double m1 = 0.0, m2 = 0.0;
    for (uint n = first; n < first + width; n++) {
      double s = scale[n] * (film ? 1.0f + film[clip * 2 * channels + n] : 1.0f);
      m1 += s * g[n];
      m2 += s * (gx[n] - mean * g[n]) * inverse;
    }
    double count = (double)rows * width;
    float gain = film ? 1.0f + film[clip * 2 * channels + c] : 1.0f;
    double k1 = -(double)inverse * inverse * m2 / count;
    own[clip * 2 * channels + c] = (float)((gx[c] - mean * g[c]) * inverse);
    own[(clip * 2 + 1) * channels + c] = (float)g[c];
    k[clip * 3 * channels + c] = inverse * scale[c] * gain;
    k[(clip * 3 + 1) * channels + c] = (float)k1;
    k[(clip * 3 + 2) * channels + c] = (float)(-inverse * m1 / count - k1 * mean);
  }
}

// The gradient of x, through SiLU first if `activate`.
extern "C" __global__ void norm_gradient(float *to, const float *x, const float *grad, const float *ab, const float *k, uint n,
                                         uint len, uint channels, int activate, int add) {
  FOR_EVERY_NUMBER(i, n) {
    uint clip = i / len, c = i % channels;
    const float *a = ab + clip * 2 * channels + c, *ks = k + clip * 3 * channels + c;
    float g = grad[i];
    if (activate) g *= silu_slope(x[i] * a[0] + a[channels]);
    put(to + i, g * ks[0] + x[i] * ks[channels] + ks[2 * channels], add);
  }
}

// The gradients of scale and shift (added to), and of the modulation where there is one; one thread for every channel.
extern "C" __global__ void modulation_gradient(float *scale_grad, float *shift_grad, float *film_grad, const float *own,
                                               const float *film, const float *scale, const float *shift, uint clips,
                                               uint channels, int add) {
  FOR_EVERY_NUMBER(c, channels) {
    float scale_sum = 0.0f, shift_sum = 0.0f;
    for (uint clip = 0; clip < clips; clip++) {
      uint at = clip * 2 * channels + c;
      float gain = film ? 1.0f + film[at] : 1.0f;
      scale_sum += own[at] * gain;
      shift_sum += own[at + channels] * gain;
      if (film_grad) {
        put(film_grad + at, own[at] * scale[c] + own[at + channels] * shift[c], add);
        put(film_grad + at + channels, own[at + channels], add);
      }
    }
    scale_grad[c] += scale_sum;
    shift_grad[c] += shift_sum;
  }
}

// --- Depthwise filter over [clips, frames, bins, channels]: 3 frames by 5 bins, weight [15, channels] ---------------------

// Bins that a thread filters.
#define BINS 4

static __device__ __forceinline__ int frame_at(int frame, int frames, int circular) {
  if (frame >= 0 && frame < frames) return frame;
  return circular ? (frame + frames) % frames : -1;
}

// `turned` filters with the taps in reverse, which leads gradients back; `base` is added where there is one.
extern "C" __global__ void filter(float *out, const float *x, const float *weight, const float *base, uint clips, uint frames,
                                  uint bins, uint channels, int circular, int turned, int add) {
  uint pieces = (bins + BINS - 1) / BINS;
  FOR_EVERY_NUMBER(i, clips * frames * pieces * channels) {
    uint c = i % channels, first = i / channels % pieces * BINS, line = i / channels / pieces;
    int frame = line % frames;
    const float *clip = x + (line - frame) * bins * channels + c;
    float sums[BINS] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int across = 0; across < 3; across++) {
      int from = frame_at(frame + across - 1, frames, circular);
      if (from < 0) continue;
      float seen[BINS + 4];
#pragma unroll
      for (int k = 0; k < BINS + 4; k++) {
        int bin = (int)first + k - 2;
        seen[k] = bin >= 0 && bin < (int)bins ? clip[((uint)from * bins + bin) * channels] : 0.0f;
      }
#pragma unroll
      for (int along = 0; along < 5; along++) {
        int tap = across * 5 + along;
        float w = weight[(turned ? 14 - tap : tap) * channels + c];
#pragma unroll
        for (int k = 0; k < BINS; k++) sums[k] += w * seen[k + along];
      }
    }
#pragma unroll
    for (int k = 0; k < BINS; k++) {
      if (first + k >= bins) break;
      uint at = (line * bins + first + k) * channels + c;
      put(out + at, sums[k] + (base ? base[at] : 0.0f), add);
    }
  }
}

// Bins of a line that a block takes at a time.
#define PIECE 128

// to[15, channels] += the gradient of the weight: the sums of x times grad for every tap. `units` pieces of lines a block.
extern "C" __global__ void filter_gradient(float *to, const float *x, const float *grad, uint clips, uint frames, uint bins,
                                           uint channels, uint units, int circular) {
  __shared__ float memory[ROWS][32];
  uint c = blockIdx.y * 32 + threadIdx.x, pieces = (bins + PIECE - 1) / PIECE;
  float sums[15];
#pragma unroll
  for (int tap = 0; tap < 15; tap++) sums[tap] = 0.0f;
  uint last = min((blockIdx.x + 1) * units, clips * frames * pieces);
  for (uint unit = blockIdx.x * units; c < channels && unit < last; unit++) {
    uint line = unit / pieces;
    int first = unit % pieces * PIECE + threadIdx.y * (PIECE / ROWS), end = min(first + PIECE / ROWS, (int)bins);
    int frame = line % frames;
    const float *clip = x + (line - frame) * bins * channels + c, *g = grad + line * bins * channels + c;
    int from[3];
    float seen[3][5];
#pragma unroll
    for (int across = 0; across < 3; across++) {
      from[across] = frame_at(frame + across - 1, frames, circular);
#pragma unroll
      for (int along = 0; along < 4; along++) {
        int bin = first + along - 2;
        bool inside = from[across] >= 0 && bin >= 0 && bin < (int)bins;
        seen[across][along + 1] = inside ? clip[((uint)from[across] * bins + bin) * channels] : 0.0f;
      }
    }
    for (int bin = first; bin < end; bin++) {
      float value = g[bin * channels];
#pragma unroll
      for (int across = 0; across < 3; across++) {
#pragma unroll
        for (int along = 0; along < 4; along++) seen[across][along] = seen[across][along + 1];
        bool inside = from[across] >= 0 && bin + 2 < (int)bins;
        seen[across][4] = inside ? clip[((uint)from[across] * bins + bin + 2) * channels] : 0.0f;
#pragma unroll
        for (int along = 0; along < 5; along++) sums[across * 5 + along] += value * seen[across][along];
      }
    }
  }
#pragma unroll
  for (int tap = 0; tap < 15; tap++) {
    float sum = sum_of_rows(sums[tap], memory);
    if (threadIdx.y == 0 && c < channels) atomicAdd(to + tap * channels + c, sum);
  }
}

// --- Attention: rows of scores, one for every 32 threads of a block --------------------------------------------------------

static __device__ float warp_sum(float value) {
  for (int lane = 16; lane > 0; lane /= 2) value += __shfl_xor_sync(0xffffffffu, value, lane);
  return value;
}

// Softmax of every row times `scale`, in place.
extern "C" __global__ void softmax(float *scores, uint rows, uint columns, float scale) {
  uint row = blockIdx.x * ROWS + threadIdx.y;
  float *own = scores + (row < rows ? row : rows - 1) * columns;
  float most = -1e30f, sum = 0.0f;
  for (uint k = threadIdx.x; k < columns; k += 32) most = fmaxf(most, own[k]);
  for (int lane = 16; lane > 0; lane /= 2) most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, lane));
  for (uint k = threadIdx.x; k < columns; k += 32) sum += expf((own[k] - most) * scale);
  sum = warp_sum(sum);
  if (row >= rows) return;
  for (uint k = threadIdx.x; k < columns; k += 32) own[k] = expf((own[k] - most) * scale) / sum;
}

// grad becomes the gradient of the scores: weights (grad - the weighted mean of grad) scale.
extern "C" __global__ void softmax_gradient(float *grad, const float *weights, uint rows, uint columns, float scale) {
  uint row = blockIdx.x * ROWS + threadIdx.y;
  uint start = (row < rows ? row : rows - 1) * columns;
  float mean = 0.0f;
  for (uint k = threadIdx.x; k < columns; k += 32) mean += grad[start + k] * weights[start + k];
  mean = warp_sum(mean);
  if (row >= rows) return;
  for (uint k = threadIdx.x; k < columns; k += 32) grad[start + k] = weights[start + k] * (grad[start + k] - mean) * scale;
}

// --- Training ------------------------------------------------------------------------------------------------------------

// The sum of the block's 256 threads, in thread 0.
static __device__ float sum_of_block(float value) {
  __shared__ float memory[8];
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) memory[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0.0f;
  if (threadIdx.x == 0)
    for (int k = 0; k < 8; k++) sum += memory[k];
  return sum;
}

// *sum += the losses of v against target, with their gradients times `scale`. Squared where huber is 0.
extern "C" __global__ void loss(double *sum, float *grad, const float *target, const float *v, uint n, float huber,
                                float scale) {
  float own = 0.0f;
  FOR_EVERY_NUMBER(i, n) {
    float d = v[i] - target[i];
    if (huber > 0.0f) {
      float root = sqrtf(d * d + huber * huber);
      own += root - huber;
      grad[i] = scale * d / root;
    } else {
      own += d * d;
      grad[i] = scale * 2.0f * d;
    }
  }
  own = sum_of_block(own);
  if (threadIdx.x == 0) atomicAdd(sum, (double)own);
}

extern "C" __global__ void squares(double *sum, const float *x, uint n) {
  float own = 0.0f;
  FOR_EVERY_NUMBER(i, n) own += x[i] * x[i];
  own = sum_of_block(own);
  if (threadIdx.x == 0) atomicAdd(sum, (double)own);
}

// One step of AdamW (or, where `root` is 0, of stochastic gradient descent with momentum) with the gradients shortened to
// `clip`, whose squared norm is *squares; then the moving average. Weights decay where `decays` says so.
extern "C" __global__ void optimize(float *p, float *m, float *v, float *average, const float *grad, const float *decays,
                                    const double *squares, uint n, float clip, float rate, float decay, float beta1,
                                    float beta2, float correct1, float correct2, float share, int root) {
  double norm = sqrt(*squares);
  float shorten = norm > clip ? (float)(clip / norm) : 1.0f;
  FOR_EVERY_NUMBER(i, n) {
    float g = grad[i] * shorten, kept = p[i] * (1.0f - rate * decay * decays[i]);
    if (root) {
      m[i] = beta1 * m[i] + (1.0f - beta1) * g;
      v[i] = beta2 * v[i] + (1.0f - beta2) * g * g;
      p[i] = kept - rate * (m[i] * correct1) / (sqrtf(v[i] * correct2) + 1e-8f);
    } else {
      m[i] = beta1 * m[i] + g;
      p[i] = kept - rate * m[i];
    }
    average[i] += share * (p[i] - average[i]);
  }
}
