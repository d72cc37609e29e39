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
  if (!kernel.nest.empty())
    os << ", in a nest over " << kernel.nest;
  if (kernel.product)
    os << ", in units of kernel " << *kernel.product << (kernel.productWhere.empty() ? "" : " where " + kernel.productWhere);
  os << ", " << countOf(kernel.operations, "operation") << (kernel.isForGuard ? ", for the guard\n" : "\n");
  const char *unit = kernel.kind == "sort" ? " bytes per element and pass, log2(n) passes" : " bytes per element";
  os << "    reads  " << namesOf(kernel.reads);
  if (kernel.traffic)
    os << ": " << toText(kernel.traffic->read) << unit;
  os << "\n    writes " << namesOf(kernel.writes);
  if (kernel.traffic)
    os << ": " << toText(kernel.traffic->written) << unit;
  if (!kernel.cached.empty())
    os << "\n    cached " << namesOf(kernel.cached);
  os << "\n    flops  " << kernel.flops << (kernel.summed.empty() ? " per element\n" : " per product\n");
}

/// The loss, its gradient and a product with its Hessian, each with how many times as much as the one before it.
static void printCost(const ExplainedCost &cost, llvm::raw_ostream &os) {
  auto times = [&](const OpCount &more, const OpCount &less, llvm::StringRef of) {
    std::optional<double> a = ExplainedCost::evaluate(more), b = ExplainedCost::evaluate(less);
    if (a && b && *b > 0)
      os << llvm::formatv("; {0:F2} times the flops of the {1} where all sizes are 100", *a / *b, of);
    os << '\n';
  };
  os << "  computes " << printCount(cost.value) << '\n';
  os << "  value and gradient: " << printCount(cost.gradient);
  times(cost.gradient, cost.value, "value");
  if (!cost.product) {
    os << "  product with the Hessian: there is no second derivative\n";
    return;
  }
  os << "  product with the Hessian: " << printCount(*cost.product);
  times(*cost.product, cost.gradient, "value and gradient");
}

static void printEntry(const ExplainedEntry &entry, llvm::raw_ostream &os) {
  os << entry.name << ": " << countOf(entry.phases, "phase") << ", " << countOf(entry.kernels.size(), "kernel") << '\n';
  for (const ExplainedKernel &kernel : entry.kernels)
    printKernel(kernel, os);
  if (auto bytes = entry.getBytesPerParameter())
    os << "  total: " << toText(*bytes) << " bytes and " << entry.getFlopsPerParameter().value_or(0) << " flops per parameter\n";
  if (entry.floor)
    os << "  floor: " << toText(*entry.floor) << " bytes, every tensor read once and written once\n";
  if (double bytes = entry.getGuardBytesPerParameter(); bytes > 0)
    os << "  guard: " << toText(bytes) << " bytes of the total\n";
  if (auto bytes = entry.getGuardBytes())
    os << "  guard: " << bytes->print() << " bytes of a step\n";
  if (entry.cost)
    printCost(*entry.cost, os);
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
  if (kernel.isForGuard)
    object["guard"] = true;
  if (!kernel.under.empty())
    object["under"] = kernel.under;
  if (!kernel.nest.empty())
    object["nest"] = kernel.nest;
  if (kernel.product)
    object["epilogue_of"] = *kernel.product;
  if (!kernel.productWhere.empty())
    object["epilogue_where"] = kernel.productWhere;
  if (!kernel.nest.empty() || !kernel.cached.empty())
    object["cached"] = toArray(kernel.cached);
  if (kernel.traffic) {
    object["bytes_read"] = kernel.traffic->read;
    object["bytes_written"] = kernel.traffic->written;
  }
  return object;
}

static llvm::json::Value toJson(const OpCount &count) {
  llvm::json::Object object;
  for (auto [name, formula] : {std::pair("additions", &count.additions), std::pair("products", &count.products), std::pair("divisions", &count.divisions),
                               std::pair("functions", &count.functions), std::pair("comparisons", &count.comparisons), std::pair("matrices", &count.matrices),
                               std::pair("flops", &count.flops), std::pair("bytes_read", &count.read), std::pair("bytes_written", &count.written)})
    object[name] = formula->isValid() ? llvm::json::Value(formula->print()) : llvm::json::Value(nullptr);
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
  if (entry.floor)
    object["floor_per_parameter"] = *entry.floor;
  if (double bytes = entry.getGuardBytesPerParameter(); bytes > 0)
    object["guard_bytes_per_parameter"] = bytes;
  if (auto bytes = entry.getGuardBytes())
    object["guard_bytes"] = bytes->print();
  if (entry.cost) {
    object["cost"] = llvm::json::Object{{"value", toJson(entry.cost->value)}, {"gradient", toJson(entry.cost->gradient)}};
    if (entry.cost->product)
      (*object["cost"].getAsObject())["hessian_product"] = toJson(*entry.cost->product);
  }
  return object;
}

llvm::json::Array toJson(const Explanation &explanation) {
  llvm::json::Array entries;
  for (const ExplainedEntry &entry : explanation)
    entries.push_back(toJson(entry));
  return entries;
}

} // namespace gradus
