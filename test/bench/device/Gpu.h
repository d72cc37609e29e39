//===- Gpu.h - An application's side of CUDA ------------------------------------===//
//
// The application's own context, stream and graphs, over the driver that it opens itself: what an application of CUDA has anyway. Gradus records into its stream.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus_cuda.h"

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

class Gpu {
public:
  /// Throws what is wrong. `library` is the driver.
  explicit Gpu(const std::string &library);
  ~Gpu();
  Gpu(const Gpu &) = delete;

  std::string getName() const { return gradus_cuda_name(cuda); }
  int32_t getArchitecture() const { return gradus_cuda_architecture(cuda); }
  /// Memory until `releaseAll`.
  gradus_address allocate(size_t bytes);
  void releaseAll();
  void write(gradus_address to, const void *from, size_t bytes) { check(gradus_cuda_write(queue, to, from, bytes)); }
  void read(void *to, gradus_address from, size_t bytes) { check(gradus_cuda_read(queue, to, from, bytes)); }
  void wait() { check(gradus_cuda_wait(queue)); }
  /// From device to device, in the stream.
  void copy(gradus_address to, gradus_address from, size_t bytes);
  /// Records what `work` does into a graph; the handle of its executable form.
  void *capture(const std::function<void()> &work);
  void launch(void *graph);
  /// Seconds that one round of `work` takes: the median of several runs of `times` rounds.
  double time(int times, const std::function<void()> &work);

  void check(gradus_status status) const {
    if (status != GRADUS_OK)
      throw std::runtime_error(said);
  }
  gradus_device *getDevice() const { return gradus_cuda_queue_device(queue); }
  /// Products of matrices by cuBLAS from here to `releaseAll`; false, with what is said, where it is not here. Without a name it is looked for.
  bool useBlas(const std::string &library, int32_t flags);
  uint64_t countProducts() const { return gradus_cuda_queue_products(queue); }
  const std::string &getSaid() const { return said; }
  uint64_t countDispatches() const { return gradus_cuda_queue_dispatches(queue); }
  /// For calls: its device is the queue's, and its errors become exceptions by `check`.
  gradus_context context{};

private:
  template <typename Function>
  Function *find(const char *name) const;
  void require(int result, const char *what) const;

  std::string said;
  void *library = nullptr, *stream = nullptr;
  gradus_cuda *cuda = nullptr;
  gradus_cuda_queue *queue = nullptr;
  std::vector<gradus_address> addresses;
};

} // namespace bench
