// copy.cu - Copies by a kernel of 16-byte accesses: the other measure of a device's bandwidth, beside the driver's own copy. Prints GB/s, read and written.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

__global__ void copy(float4 *to, const float4 *from, size_t count) {
  for (size_t k = blockIdx.x * size_t(blockDim.x) + threadIdx.x; k < count; k += size_t(gridDim.x) * blockDim.x)
    to[k] = from[k];
}

int main() {
  size_t const bytes = size_t(1) << 30, count = bytes / sizeof(float4);
  float4 *from = nullptr, *to = nullptr;
  if (cudaMalloc(&from, bytes) != cudaSuccess || cudaMalloc(&to, bytes) != cudaSuccess)
    return 1;
  cudaMemset(from, 0, bytes);
  double best = 0;
  for (unsigned blocks : {1024u, 4096u, 16384u, unsigned(count / 256)}) {
    std::vector<double> seconds;
    for (int round = 0; round < 11; ++round) {
      cudaDeviceSynchronize();
      auto const begin = std::chrono::steady_clock::now();
      for (int k = 0; k < 10; ++k)
        copy<<<blocks, 256>>>(to, from, count);
      if (cudaDeviceSynchronize() != cudaSuccess)
        return 1;
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 10);
    }
    std::sort(seconds.begin(), seconds.end());
    best = std::max(best, 2e-9 * double(bytes) / seconds[5]);
  }
  std::printf("%.6g\n", best);
  return 0;
}
