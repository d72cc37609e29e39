//===- Shelf.cpp - What is known of each entry of the standard library on devices =//

#include "Shelf.h"

#include "test/codegen/bits/Artifact.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace gradus::device;
using gradus::bits::Artifact;

std::vector<std::string> Shelf::findSpecs() {
  std::vector<std::string> specs;
  for (const auto &file : std::filesystem::recursive_directory_iterator(GRADUS_STD))
    if (file.path().extension() == ".grad")
      specs.push_back(std::filesystem::relative(file.path(), GRADUS_STD).string());
  std::sort(specs.begin(), specs.end());
  return specs;
}

/// The whole table, by specs.
static std::map<std::string, Shelf::Lines> readAll() {
  std::map<std::string, Shelf::Lines> all;
  std::ifstream file(GRADUS_SHELF);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string spec, entry, text;
    if (words >> spec >> entry >> text && spec.front() != '#')
      all[spec][entry] = text;
  }
  return all;
}

std::vector<std::string> Shelf::readSpecs() {
  std::vector<std::string> specs;
  for (auto const &[spec, lines] : readAll())
    specs.push_back(spec);
  return specs;
}

Shelf::Lines Shelf::read(const std::string &spec) { return readAll()[spec]; }

void Shelf::write(const std::string &spec, const Lines &lines) {
  std::map<std::string, Lines> all = readAll();
  all[spec] = lines;
  std::ofstream file(GRADUS_SHELF);
  file << "# Entries of the standard library on a device of Vulkan: how far they may be from the CPU, in units of the last place, or `host`: no form there.\n"
          "# Written by GRADUS_UPDATE_EXPECTED=1 build/test/codegen/device/DeviceShelfTests; ShelfTest.cpp says what is compared.\n";
  for (auto const &[name, entries] : all)
    for (auto const &[entry, text] : entries)
      file << name << ' ' << entry << ' ' << text << '\n';
}

bool Shelf::isUpdated() { return std::getenv("GRADUS_UPDATE_EXPECTED") != nullptr; }

static bool saysNoEntries(const Artifact &artifact) {
  return artifact.problem.find("has code only where a train unit binds it") != std::string::npos ||
         artifact.problem.find("has nothing to compile") != std::string::npos;
}

bool Shelf::hasNoEntries(const std::string &path) { return saysNoEntries(Artifact(path, "--target=x86-64-v3")); }

Shelf::Lines Shelf::findHostEntries(const std::string &path, const std::string &target) {
  Lines lines;
  Artifact plain(path, "--target=x86-64-v3");
  if (saysNoEntries(plain))
    return lines;
  EXPECT_EQ(plain.problem, "");
  std::vector<std::string> names;
  for (const gradus_entry *entry : plain.entries)
    names.push_back(entry->name);
  bool const isWhole = Artifact(path, target).problem.empty();
  for (const std::string &name : names) {
    lines[name] = "0";
    if (isWhole)
      continue;
    std::string others;
    for (const std::string &other : names)
      if (other != name)
        others += " --host-only=" + other;
    Artifact const alone(path, target + others);
    if (alone.problem.empty())
      continue;
    EXPECT_NE(alone.problem.find("error[G0932]"), std::string::npos) << alone.problem;
    lines[name] = "host";
  }
  return lines;
}
