//===- AnyCall.h - A call of an entry of which nothing is known but its table ----===//
//
// Tensors of random numbers for whatever a `gradus_entry` asks for, and all that a call writes, so that two calls can be compared bit by bit.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus.h"

#include <memory>
#include <string>
#include <vector>

namespace gradus::bits {

/// How a call is made; the results must not depend on it.
struct Way {
  int level = 3;     ///< what gradus_cpu_level says
  int threads = 1;   ///< 1: without a hook
  size_t offset = 0; ///< elements from the start of an aligned buffer to the data
};

class AnyCall {
public:
  /// `sizes[k]` is the size of symbol k in the first slot; in slot s it is that divided by s + 1, at least 1. Arguments of any rank have one axis.
  AnyCall(const gradus_entry *entry, std::vector<int64_t> sizes, size_t slots, Way way);
  /// Steps first, first + 1, .. in a row, or as many calls. The last status; an earlier one where it is an error.
  gradus_status run(uint64_t first, uint64_t steps);
  /// The bytes of all tensors and the value reported; every NaN is the same one.
  std::string getBits() const;
  /// What the last refused call said.
  const std::string &getMessage() const { return message; }

  /// What it is made of, for who calls in another way.
  std::vector<gradus_tensor> &getTensors() { return tensors; }
  const std::vector<gradus_tensor> &getTensors() const { return tensors; }
  const std::vector<double> &getHypers() const { return hyper; }
  std::vector<double> &getHypers() { return hyper; }
  size_t getSlots() const { return slots; }
  gradus_report &getReport() { return report; }

private:
  void fill(size_t tensor, const gradus_argument &argument);

  const gradus_entry *entry;
  Way way;
  size_t slots;
  std::vector<double> hyper;
  std::vector<gradus_tensor> tensors;
  std::vector<std::vector<int64_t>> dims;
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<char> workspace;
  std::string message;
  gradus_report report = {};
};

/// What gradus_cpu_level of this program says; at first that of the machine.
extern int32_t currentLevel;
/// The level of the machine.
int32_t getMachineLevel();

} // namespace gradus::bits
