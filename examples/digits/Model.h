// A trained model: the buffers of one `train` unit, laid out as the unit's entry describes them.

#pragma once

#include "Data.h"

#include "gradus.h"
#include "gradus_checkpoint.h"

#include <map>
#include <string>
#include <vector>

/// The three entries that a `train` unit and its scoring function compile to.
struct Entries {
  const gradus_entry *init;    ///< makes the first states
  const gradus_entry *step;    ///< one step of training
  const gradus_entry *predict; ///< class scores
};

class Model {
public:
  /// Parameters drawn from `seed`: matrices normal with variance 1 / (number of inputs), vectors 0. `sizes` gives each dimension
  /// symbol of the parameters a size.
  Model(const gradus_context &context, const Entries &entries, const std::map<std::string, int64_t> &sizes, uint64_t seed);

  /// One step on a batch; the number of the step rises by one. Returns the loss before the step.
  gradus_status step(const Digits &batch, double &loss);
  /// The share of rows whose highest score is at their class.
  gradus_status accuracy(const Digits &digits, double &share);

  uint64_t stepsDone() const { return progress.t; }
  gradus_status save(const std::string &path) const;
  /// Takes up a saved run of the same unit and sizes; nothing changes where the file does not fit.
  gradus_status load(const std::string &path);

private:
  struct Buffer {
    std::string name;
    std::vector<float> data;
    std::vector<int64_t> dims;
    gradus_tensor tensor();
  };

  Buffer makeBuffer(const gradus_entry &entry, const gradus_argument &argument) const;
  Buffer *find(const std::string &name);
  gradus_status call(const gradus_entry &entry, uint64_t t, const std::vector<gradus_tensor> &slot, gradus_report *report);
  /// The slot of an entry: parameters and states are ours, `given` fills the rest by name.
  std::vector<gradus_tensor> makeSlot(const gradus_entry &entry, const std::map<std::string, gradus_tensor> &given);
  std::vector<gradus_named_tensor> named() const;

  const gradus_context &context;
  Entries entries;
  std::map<std::string, int64_t> sizes;
  std::vector<Buffer> buffers; ///< parameters, then states
  gradus_progress progress{};
};
