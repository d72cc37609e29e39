//===- ExplainPrint.cpp - An explanation as text and as JSON ---------------------===//

#include "codegen/emit/Explain.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace gradus {

/// Whole numbers without a point, others with two digits.
static std::string toText(double number) {
  if (number == std::floor(number))
    return std::to_string(static_cast<int64_t>(number));
  return llvm::formatv("{0:F2}", number);
}

static std::string countOf(size_t n, llvm::StringRef noun) { return llvm::formatv("{0} {1}{2}", n, noun, n == 1 ? "" : "s"); }

static std::string namesOf(const std::vector<std::string> &names) { return names.empty() ? "nothing" : llvm::join(names, ", "); }

static void printKernel(const ExplainedKernel &kernel, llvm::raw_ostream &os) {
  os << llvm::formatv("  phase {0}, kernel {1}: {2} over [{3}]", kernel.phase, kernel.position, kernel.kind, llvm::join(kernel.domain, ", "));
  if (!kernel.summed.empty())
    os << llvm::formatv(", summed over [{0}]", llvm::join(kernel.summed, ", "));
  if (!kernel.under.empty())
    os << ", " << kernel.under;
  os << ", " << countOf(kernel.operations, "operation") << '\n';
  const char *unit = kernel.kind == "sort" ? " bytes per element and pass, log2(n) passes" : " bytes per element";
  os << "    reads  " << namesOf(kernel.reads);
  if (kernel.traffic)
    os << ": " << toText(kernel.traffic->read) << unit;
  os << "\n    writes " << namesOf(kernel.writes);
  if (kernel.traffic)
    os << ": " << toText(kernel.traffic->written) << unit;
  os << "\n    flops  " << kernel.flops << (kernel.summed.empty() ? " per element\n" : " per product\n");
}

static void printEntry(const ExplainedEntry &entry, llvm::raw_ostream &os) {
  os << entry.name << ": " << countOf(entry.phases, "phase") << ", " << countOf(entry.kernels.size(), "kernel") << '\n';
  for (const ExplainedKernel &kernel : entry.kernels)
    printKernel(kernel, os);
  if (auto bytes = entry.getBytesPerParameter())
    os << "  total: " << toText(*bytes) << " bytes and " << entry.getFlopsPerParameter().value_or(0) << " flops per parameter\n";
  if (!entry.notes.empty())
    os << "  why:\n";
  for (const ExplainedNote &note : entry.notes) {
    os << "    ";
    if (note.line)
      os << "line " << note.line << ": ";
    os << note.kind << ": " << note.text << '\n';
  }
}

void printExplanation(const Explanation &explanation, llvm::raw_ostream &os) {
  llvm::interleave(explanation, os, [&](const ExplainedEntry &entry) { printEntry(entry, os); }, "\n");
}

static llvm::json::Array toArray(const std::vector<std::string> &names) {
  llvm::json::Array array;
  for (const std::string &name : names)
    array.push_back(name);
  return array;
}

static llvm::json::Value toJson(const ExplainedKernel &kernel) {
  llvm::json::Object object{
      {"phase", kernel.phase},           {"kernel", kernel.position},         {"kind", kernel.kind},
      {"domain", toArray(kernel.domain)}, {"summed", toArray(kernel.summed)},  {"reads", toArray(kernel.reads)},
      {"writes", toArray(kernel.writes)}, {"operations", kernel.operations}, {"flops", kernel.flops},
  };
  if (!kernel.under.empty())
    object["under"] = kernel.under;
  if (kernel.traffic) {
    object["bytes_read"] = kernel.traffic->read;
    object["bytes_written"] = kernel.traffic->written;
  }
  return object;
}

static llvm::json::Value toJson(const ExplainedEntry &entry) {
  llvm::json::Array kernels, notes;
  for (const ExplainedKernel &kernel : entry.kernels)
    kernels.push_back(toJson(kernel));
  for (const ExplainedNote &note : entry.notes)
    notes.push_back(llvm::json::Object{{"kind", note.kind}, {"line", note.line}, {"text", note.text}});
  llvm::json::Object object{
      {"name", entry.name}, {"kind", entry.kind}, {"phases", entry.phases}, {"kernels", std::move(kernels)}, {"notes", std::move(notes)},
  };
  if (auto bytes = entry.getBytesPerParameter())
    object["bytes_per_parameter"] = *bytes;
  if (auto flops = entry.getFlopsPerParameter())
    object["flops_per_parameter"] = *flops;
  return object;
}

llvm::json::Value toJson(const Explanation &explanation) {
  llvm::json::Array entries;
  for (const ExplainedEntry &entry : explanation)
    entries.push_back(toJson(entry));
  return llvm::json::Object{{"schema", 1}, {"entries", std::move(entries)}};
}

} // namespace gradus
