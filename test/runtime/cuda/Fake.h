//===- Fake.h - The driver that keeps a record, opened beside the runtime -----------===//

#pragma once

#include "runtime/gradus_cuda.h"

#include <dlfcn.h>

#include <string>

namespace runtime_test {

/// The library that gradus_cuda_open finds too: one copy of it, one record.
class Fake {
private:
  template <typename Function, typename... Arguments>
  auto call(const char *name, Arguments... arguments) {
    return reinterpret_cast<Function *>(dlsym(library, name))(arguments...);
  }

public:
  static constexpr const char *path = GRADUS_FAKE_CUDA;
  Fake() : library(dlopen(path, RTLD_NOW)) { call<void()>("fake_reset"); }
  ~Fake() { dlclose(library); }
  Fake(const Fake &) = delete;

  bool isThere() const { return library != nullptr; }
  void *find(const char *name) const { return dlsym(library, name); }
  std::string takeRecord() {
    std::string text = call<const char *()>("fake_record");
    call<void()>("fake_clear");
    return text;
  }
  void fail(const char *function, int result) { call<void(const char *, int)>("fake_fail", function, result); }
  void describe(int driver, int architecture, int maxGroups = 2147483647) { call<void(int, int, int)>("fake_describe", driver, architecture, maxGroups); }
  void *ownContext(int device) { return call<void *(int)>("fake_own_context", device); }
  void *primaryContext(int device) { return call<void *(int)>("fake_primary_context", device); }
  void *current() { return call<void *()>("fake_current"); }
  int depth() { return call<int()>("fake_depth"); }
  int loads() { return call<int()>("fake_loads"); }
  int primaries() { return call<int()>("fake_primaries"); }
  /// As an application captures a graph in a stream; from the second on launches are counted, and whatever waits or allocates fails.
  void beginCapture() { call<int(void *, int)>("cuStreamBeginCapture_v2", static_cast<void *>(nullptr), 0); }
  size_t endCapture() {
    void *graph = nullptr;
    call<int(void *, void **)>("cuStreamEndCapture", static_cast<void *>(nullptr), &graph);
    return reinterpret_cast<size_t>(graph);
  }
  /// As an application does that calls the driver itself.
  void push(void *context) { call<int(void *)>("cuCtxPushCurrent_v2", context); }
  void pop() {
    void *out = nullptr;
    call<int(void **)>("cuCtxPopCurrent_v2", &out);
  }

private:
  void *library;
};

/// The cuBLAS that multiplies on the host; what it launches goes into the record of the driver.
class FakeBlas {
private:
  template <typename Function, typename... Arguments>
  auto call(const char *name, Arguments... arguments) {
    return reinterpret_cast<Function *>(dlsym(library, name))(arguments...);
  }

public:
  static constexpr const char *path = GRADUS_FAKE_CUBLAS;
  explicit FakeBlas(const Fake &driver) : library(dlopen(path, RTLD_NOW)) { call<void(void *)>("fake_blas_attach", driver.find("fake_launch")); }
  ~FakeBlas() { dlclose(library); }
  FakeBlas(const FakeBlas &) = delete;

  bool isThere() const { return library != nullptr; }
  void fail(const char *function, int status) { call<void(const char *, int)>("fake_blas_fail", function, status); }
  int handles() { return call<int()>("fake_blas_handles"); }
  int mathMode() { return call<int()>("fake_blas_math_mode"); }

private:
  void *library;
};

/// Collects the sentences of errors.
struct Sink {
  std::string said;
  gradus_context context{};
  Sink() {
    context.user = this;
    context.error = [](void *user, const gradus_error *error) { static_cast<Sink *>(user)->said += error->message; };
  }
};

} // namespace runtime_test
