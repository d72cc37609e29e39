//===- Gpu.cpp - An application's side of CUDA ----------------------------------===//

#include "test/bench/device/Gpu.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>

namespace bench {

template <typename Function>
Function *Gpu::find(const char *name) const {
  void *found = dlsym(library, name);
  if (!found)
    throw std::runtime_error(std::string("the driver has no function ") + name);
  return reinterpret_cast<Function *>(found);
}

void Gpu::require(int result, const char *what) const {
  if (result != 0)
    throw std::runtime_error(std::string(what) + " gives CUDA error " + std::to_string(result));
}

Gpu::Gpu(const std::string &path) {
  context.user = &said;
  context.error = [](void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; };
  library = dlopen(path.c_str(), RTLD_NOW);
  if (!library)
    throw std::runtime_error(std::string("no driver: ") + dlerror());
  int device = 0;
  void *own = nullptr;
  require(find<int(unsigned)>("cuInit")(0), "cuInit");
  require(find<int(int *, int)>("cuDeviceGet")(&device, 0), "cuDeviceGet");
  require(find<int(void **, int)>("cuDevicePrimaryCtxRetain")(&own, device), "cuDevicePrimaryCtxRetain");
  require(find<int(void *)>("cuCtxPushCurrent_v2")(own), "cuCtxPushCurrent");
  require(find<int(void **, unsigned)>("cuStreamCreate")(&stream, 1 /* not blocking */), "cuStreamCreate");
  check(gradus_cuda_open(&context, path.c_str(), -1, &cuda));
  check(gradus_cuda_queue_open(cuda, stream, &queue));
  context.device = gradus_cuda_queue_device(queue);
}

Gpu::~Gpu() {
  if (cuda && queue)
    releaseAll();
  gradus_cuda_queue_close(queue);
  gradus_cuda_close(cuda);
}

gradus_address Gpu::allocate(size_t bytes) {
  gradus_address address = 0;
  check(gradus_cuda_allocate(cuda, bytes, &address));
  addresses.push_back(address);
  return address;
}

bool Gpu::useBlas(const std::string &library, int32_t flags) {
  size_t const bytes = GRADUS_CUDA_BLAS_WORKSPACE;
  return gradus_cuda_queue_use_blas(queue, library.empty() ? nullptr : library.c_str(), flags, allocate(bytes), bytes) == GRADUS_OK;
}

void Gpu::releaseAll() {
  (void)gradus_cuda_queue_use_blas(queue, nullptr, 0, 0, 0);
  for (gradus_address address : addresses)
    (void)gradus_cuda_release(cuda, address);
  addresses.clear();
}

void Gpu::copy(gradus_address to, gradus_address from, size_t bytes) {
  require(find<int(uint64_t, uint64_t, size_t, void *)>("cuMemcpyDtoDAsync_v2")(to, from, bytes, stream), "cuMemcpyDtoDAsync");
}

void *Gpu::capture(const std::function<void()> &work) {
  void *graph = nullptr, *executable = nullptr;
  require(find<int(void *, int)>("cuStreamBeginCapture_v2")(stream, 0 /* global: the strictest */), "cuStreamBeginCapture");
  work();
  require(find<int(void *, void **)>("cuStreamEndCapture")(stream, &graph), "cuStreamEndCapture");
  require(find<int(void **, void *, unsigned long long)>("cuGraphInstantiateWithFlags")(&executable, graph, 0), "cuGraphInstantiateWithFlags");
  return executable;
}

void Gpu::launch(void *graph) { require(find<int(void *, void *)>("cuGraphLaunch")(graph, stream), "cuGraphLaunch"); }

double Gpu::time(int times, const std::function<void()> &work) {
  constexpr int rounds = 11;
  std::vector<double> seconds;
  work();
  wait();
  for (int round = 0; round < rounds; ++round) {
    auto const begin = std::chrono::steady_clock::now();
    for (int k = 0; k < times; ++k)
      work();
    wait();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / times);
  }
  std::nth_element(seconds.begin(), seconds.begin() + rounds / 2, seconds.end());
  return seconds[rounds / 2];
}

} // namespace bench
