//===- CppHeader.cpp - spec.hpp: the entry points in C++ ------------------------===//
//
// One class an entry: a typed set of hyper-parameters and a workspace that grows as needed, over the templates of gradus.hpp.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Version.h"
#include "codegen/emit/Writers.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace gradus {

/// The first line of the documentation.
static std::string getBrief(const ArtifactEntry &entry) {
  std::string line = StringRef(entry.doc).split('\n').first.trim().str();
  // A line that ends so would swallow the next one.
  while (!line.empty() && line.back() == '\\')
    line.pop_back();
  return line.empty() ? "Entry '" + entry.layout.name + "'." : line;
}

static void writeClass(raw_ostream &os, const Artifact &artifact, const ArtifactEntry &entry) {
  const EntryLayout &layout = entry.layout;
  std::string hyper = layout.hypers.empty() ? "NoHyper" : "::" + entry.symbol + "_hyper";
  std::string slot = layout.tensors.empty() ? "NoSlot" : "::" + entry.symbol + "_slot";
  os << "/// " << getBrief(entry) << "\n/// The members and what they mean are in " << artifact.options.name << ".h.\n";
  os << "class " << entry.symbol << " : public Kernel<" << hyper << ", " << slot << "> {\npublic:\n";
  os << "  " << entry.symbol << "() : Kernel(*::" << entry.symbol << "_entry(), " << artifact.getAbiMacro() << ") {}\n";
  os << "};\n\n";
  for (gradus_device_type type : entry.devices) {
    std::string symbol = entry.getSymbol(type);
    os << "/// The same on " << gradus_device_type_name(type) << ".\nclass " << symbol << " : public DeviceKernel<" << hyper << ", " << slot << "> {\npublic:\n";
    os << "  " << symbol << "() : DeviceKernel(*::" << symbol << "_entry(), " << artifact.getAbiMacro() << ") {}\n";
    os << "};\n\n";
  }
}

std::string renderCppHeader(const Artifact &artifact) {
  std::string text;
  raw_string_ostream os(text);
  std::string macro = artifact.getAbiMacro();
  std::string guard = "GRADUS_SPEC_" + StringRef(macro).drop_back(4).str() + "_HPP";
  std::string space = StringRef(macro).drop_back(4).lower();
  os << "// " << artifact.options.name << ".hpp - written by gradus " << gradusVersion << " from " << artifact.options.name
     << ".grad; C++17 and later.\n\n#ifndef " << guard << "\n#define " << guard << "\n\n#include \"" << artifact.options.name
     << ".h\"\n#include \"gradus.hpp\"\n\nnamespace gradus {\nnamespace " << space << "_spec {\n\n";
  for (const ArtifactEntry &entry : artifact.entries)
    writeClass(os, artifact, entry);
  os << "} // namespace " << space << "_spec\n} // namespace gradus\n\n#endif // " << guard << "\n";
  return text;
}

} // namespace gradus
