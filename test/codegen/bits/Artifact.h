//===- Artifact.h - A spec, built and loaded ------------------------------------===//
//
// `gradus build` as its users run it; the archive becomes a library of this process, whose own gradus_cpu_level it calls.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "runtime/gradus.h"

#include <string>
#include <vector>

namespace gradus::bits {

class Artifact {
public:
  /// Builds a spec with options; `problem` says what went wrong.
  explicit Artifact(const std::string &spec, const std::string &options = "");
  ~Artifact();
  Artifact(const Artifact &) = delete;

  std::string problem;
  std::string manifest;
  std::vector<const gradus_entry *> entries;

private:
  void *library = nullptr;
};

} // namespace gradus::bits
