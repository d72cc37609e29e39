//===- Cases.h - What is measured ------------------------------------------------===//

#ifndef GRADUS_TEST_BENCH_CASES_H
#define GRADUS_TEST_BENCH_CASES_H

#include "floor.h"

#include "runtime/gradus.h"

#include <string>
#include <utility>
#include <vector>

namespace gradus::bench {

/// A rule beside the hand-written loop that does the same.
struct Case {
  std::string name;
  const gradus_entry *(*entry)(void);
  floor_loop loop;
  double bytesPerParameter;     ///< of a step that reads and writes everything once, or as often as its mathematics asks
  std::vector<double> hyper;    ///< for the loop
  std::vector<std::pair<std::string, double>> settings = {}; ///< of the entry, where it is not the default
  std::string dtype = "f32";    ///< of what is small: the moments, or all
  std::string reference = {};   ///< the case in f32 that small state is compared with
  double mostOfReference = 0;   ///< the bar of that: time over time
};

/// All cases, sorted by name.
const std::vector<Case> &getCases();
/// Null for none.
const Case *findCase(const std::string &name);

/// The arrays of a case for n parameters, filled with random normal numbers by the threads that use them.
class Buffers {
public:
  Buffers(const Case &c, int64_t n);
  ~Buffers();
  Buffers(const Buffers &) = delete;
  Buffers &operator=(const Buffers &) = delete;

  /// False if there was not enough memory.
  bool isValid() const;
  void fill(uint64_t seed);
  /// The numbers of an array.
  std::vector<float> read(size_t array) const;
  double getBytes() const;

  const gradus_entry *entry;
  int64_t n;
  std::vector<void *> arrays;
  std::vector<size_t> bytes;
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
