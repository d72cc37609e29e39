//===- Cases.h - What is measured ------------------------------------------------===//

#ifndef GRADUS_TEST_BENCH_CASES_H
#define GRADUS_TEST_BENCH_CASES_H

#include "floor.h"

#include "runtime/gradus.h"

#include <string>
#include <vector>

namespace gradus::bench {

/// A rule of the standard library beside the hand-written loop that does the same.
struct Case {
  std::string name;
  const gradus_entry *(*entry)(void);
  floor_loop loop;
  double bytesPerParameter;    ///< of an f32 step that reads and writes everything once
  std::vector<double> hyper;   ///< for the loop
  std::vector<std::pair<std::string, double>> settings; ///< of the entry, where it is not the default
};

/// All cases, in the order of the report.
const std::vector<Case> &getCases();

/// Parameters, gradients and two states of n floats, filled with random normal numbers by the threads that use them.
class Buffers {
public:
  explicit Buffers(int64_t n);
  ~Buffers();
  Buffers(const Buffers &) = delete;
  Buffers &operator=(const Buffers &) = delete;

  /// False if there was not enough memory.
  bool isValid() const { return w && g && m && v; }
  void fill(uint64_t seed);

  int64_t n;
  float *w, *g, *m, *v;
};

/// A call of an entry on these buffers, prepared once.
class Call {
public:
  Call(const Case &c, const Buffers &buffers, const gradus_context *context);
  /// Step t. False if the call was refused; the runtime's message has then been printed.
  bool operator()(uint64_t t);

private:
  const gradus_entry *entry;
  const gradus_context *context;
  int64_t n;
  std::vector<double> hyper;
  std::vector<gradus_tensor> tensors;
  std::vector<char> workspace;
  char *alignedWorkspace = nullptr;
  size_t workspaceBytes = 0;
};

} // namespace gradus::bench

#endif // GRADUS_TEST_BENCH_CASES_H
