//===- Artifact.cpp - A spec, built and loaded ----------------------------------===//

#include "Artifact.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace gradus::bits;

/// Runs a command; what it prints, if it fails.
static std::string run(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    return "cannot run " + command;
  std::string output;
  for (int c; (c = fgetc(pipe)) != EOF;)
    output += char(c);
  return pclose(pipe) == 0 ? "" : command + "\n" + output;
}

Artifact::Artifact(const std::string &spec, const std::string &options) {
  std::string folder = "/tmp/gradus-bits-XXXXXX";
  if (!mkdtemp(folder.data())) {
    problem = "no folder for the artifact";
    return;
  }
  std::string base = folder + "/" + std::filesystem::path(spec).stem().string();
  problem = run(std::string(GRADUS_TOOL " build ") + options + " " + spec + " -o " + folder);
  if (problem.empty())
    problem = run(std::string(GRADUS_CLANG " -shared -Wl,--whole-archive ") + base + ".a -Wl,--no-whole-archive " GRADUS_RUNTIME_LIBRARY " -lm -o " + base + ".so");
  if (problem.empty()) {
    std::ifstream file(base + ".json");
    manifest.assign(std::istreambuf_iterator<char>(file), {});
    library = dlopen((base + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      problem = dlerror();
  }
  std::filesystem::remove_all(folder);
  const std::string key = "\"symbol\": \"";
  for (size_t at = 0; library && (at = manifest.find(key, at)) != std::string::npos;) {
    at += key.size();
    std::string symbol = manifest.substr(at, manifest.find('"', at) - at) + "_entry";
    auto *getter = reinterpret_cast<const gradus_entry *(*)(void)>(dlsym(library, symbol.c_str()));
    if (getter)
      entries.push_back(getter());
    else
      problem = "no symbol " + symbol;
  }
}

Artifact::~Artifact() {
  if (library)
    dlclose(library);
}
