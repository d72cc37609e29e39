//===- DeviceMemory.cpp - The devices of `gradus run` ----------------------------===//

#include "codegen/driver/DeviceMemory.h"

#include "runtime/gradus_cuda.h"
#ifdef GRADUS_HAS_VULKAN
#include "runtime/gradus_vulkan.h"
#endif

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace gradus::driver {

namespace {

/// A context whose errors become the reason; what a device has to say is for the user.
gradus_context listen(std::string &reason) {
  gradus_context context{};
  context.user = &reason;
  context.error = [](void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; };
  context.log = [](void *, const char *line) { llvm::errs() << "gradus: note: " << line << "\n"; };
  return context;
}

class CudaMemory : public DeviceMemory {
public:
  ~CudaMemory() override {
    gradus_cuda_queue_close(queue);
    for (gradus_address address : addresses)
      gradus_cuda_release(cuda, address);
    gradus_cuda_close(cuda);
  }
  bool open() {
    gradus_context context = listen(reason);
    return gradus_cuda_open(&context, nullptr, -1, &cuda) == GRADUS_OK && gradus_cuda_queue_open(cuda, nullptr, &queue) == GRADUS_OK;
  }
  std::string getName() const override { return gradus_cuda_name(cuda); }
  int32_t getArchitecture() const override { return gradus_cuda_architecture(cuda); }
  bool allocate(size_t bytes, gradus_address &address) override {
    if (gradus_cuda_allocate(cuda, bytes, &address) != GRADUS_OK)
      return false;
    addresses.push_back(address);
    return true;
  }
  bool write(gradus_address to, const void *from, size_t bytes) override { return gradus_cuda_write(queue, to, from, bytes) == GRADUS_OK; }
  bool read(void *to, gradus_address from, size_t bytes) override { return gradus_cuda_read(queue, to, from, bytes) == GRADUS_OK; }
  gradus_device *begin() override { return gradus_cuda_queue_device(queue); }
  bool finish() override { return gradus_cuda_wait(queue) == GRADUS_OK; }
  uint64_t countDispatches() override { return gradus_cuda_queue_dispatches(queue); }

private:
  gradus_cuda *cuda = nullptr;
  gradus_cuda_queue *queue = nullptr;
  std::vector<gradus_address> addresses;
};

#ifdef GRADUS_HAS_VULKAN
class VulkanMemory : public DeviceMemory {
public:
  ~VulkanMemory() override {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan); // with all its memory
  }
  bool open() {
    gradus_context context = listen(reason);
    return gradus_vulkan_open(&context, nullptr, &vulkan) == GRADUS_OK && gradus_vulkan_recorder_open(vulkan, &recorder) == GRADUS_OK;
  }
  std::string getName() const override { return gradus_vulkan_name(vulkan); }
  bool allocate(size_t bytes, gradus_address &address) override { return gradus_vulkan_allocate(vulkan, bytes, &address) == GRADUS_OK; }
  bool write(gradus_address to, const void *from, size_t bytes) override {
    return bytes == 0 || gradus_vulkan_write(vulkan, to, from, bytes) == GRADUS_OK;
  }
  bool read(void *to, gradus_address from, size_t bytes) override { return bytes == 0 || gradus_vulkan_read(vulkan, to, from, bytes) == GRADUS_OK; }
  gradus_device *begin() override { return gradus_vulkan_begin(recorder, nullptr, &device) == GRADUS_OK ? &device : nullptr; }
  bool finish() override { return gradus_vulkan_submit(recorder, nullptr) == GRADUS_OK && gradus_vulkan_wait(recorder) == GRADUS_OK; }
  uint64_t countDispatches() override { return gradus_vulkan_dispatches(vulkan); }

private:
  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
  gradus_device device{};
};
#endif

template <typename Memory>
std::unique_ptr<DeviceMemory> openAs(std::string &error) {
  auto memory = std::make_unique<Memory>();
  if (memory->open())
    return memory;
  error = memory->reason.empty() ? "the device has no memory for a queue" : memory->reason;
  return nullptr;
}

} // namespace

std::unique_ptr<DeviceMemory> openDevice(StringRef kind, std::string &error) {
  if (kind == "cuda")
    return openAs<CudaMemory>(error);
#ifdef GRADUS_HAS_VULKAN
  return openAs<VulkanMemory>(error);
#else
  error = "this gradus was built without Vulkan's headers";
  return nullptr;
#endif
}

} // namespace gradus::driver
