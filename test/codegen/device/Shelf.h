//===- Shelf.h - What is known of each entry of the standard library on devices ===//
//
// shelf.txt: lines of a spec, an entry, and either a number, the distance in units of the last place that is allowed, or `host`: no form for devices.
//
//===----------------------------------------------------------------------===//

#pragma once

#include <map>
#include <string>
#include <vector>

namespace gradus::device {

struct Shelf {
  /// By the names of entries in C.
  using Lines = std::map<std::string, std::string>;

  /// All specs of the standard library, as paths in it.
  static std::vector<std::string> findSpecs();
  /// Those of the table.
  static std::vector<std::string> readSpecs();
  static Lines read(const std::string &spec);
  static void write(const std::string &spec, const Lines &lines);
  /// Whether a spec has nothing that is called: what other specs are made of.
  static bool hasNoEntries(const std::string &path);
  /// Whether the table is to be written.
  static bool isUpdated();
  /// The entries of a spec, found by building it: `host` for those that have no form for devices.
  static Lines findHostEntries(const std::string &path, const std::string &target);
};

} // namespace gradus::device
