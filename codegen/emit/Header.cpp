//===- Header.cpp - spec.h: the entry points in C -------------------------------===//
//
// C99 and C++, no other include than gradus.h. The order of struct members is the order of the call.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Version.h"
#include "codegen/emit/Writers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace gradus {

/// Text of the spec inside a C comment: nothing in it may end or open a comment, or be a trigraph.
static std::string toComment(StringRef text) {
  std::string result;
  for (char c : text) {
    if (!result.empty() && ((result.back() == '*' && c == '/') || (result.back() == '/' && c == '*') ||
                            (result.back() == '?' && c == '?')))
      result += ' ';
    if (c != '\r')
      result += c;
  }
  // A backslash would continue the line.
  std::replace(result.begin(), result.end(), '\\', '/');
  return result;
}

/// " * " before every line.
static void writeLines(raw_ostream &os, StringRef text) {
  std::string comment = toComment(text);
  SmallVector<StringRef> lines;
  StringRef(comment).split(lines, '\n');
  for (StringRef line : lines)
    os << (line.trim().empty() ? std::string(" *") : " * " + line.rtrim().str()) << '\n';
}

static StringRef getKindText(FuncKind kind) {
  switch (kind) {
  case FuncKind::Loss:
    return "The value of a loss, in report->value; where it is a gradient, its outputs are the derivatives.";
  case FuncKind::Schedule:
    return "The value of a schedule at step t.";
  case FuncKind::RuleInit:
  case FuncKind::TrainInit:
    return "Fills the state before the first step.";
  case FuncKind::RuleStep:
    return "One step of a rule: parameters and state are replaced together.";
  case FuncKind::TrainStep:
    return "One step of training: parameters and state are replaced together, report->value is the loss before the step.";
  default:
    return "A function: its outputs are written.";
  }
}

static void writeHyper(raw_ostream &os, const ArtifactEntry &entry) {
  if (entry.layout.hypers.empty())
    return;
  os << "/** Hyper-parameters of " << entry.symbol << "; each is checked at the call. */\ntypedef struct " << entry.symbol
     << "_hyper {\n";
  for (auto [hyper, member] : zip(entry.layout.hypers, entry.hyperMembers)) {
    os << "  double " << member << "; /**< ";
    if (member != hyper.name)
      os << "'" << toComment(hyper.name) << "', ";
    if (hyper.isInteger)
      os << "whole, ";
    if (hyper.isBool)
      os << "0 or 1, ";
    std::optional<double> initial = toNumber(hyper.initial);
    if (initial)
      os << "default " << formatNumber(*initial);
    else
      os << "no default: must be set";
    if (std::string interval = formatInterval(hyper); !interval.empty())
      os << ", in " << interval;
    os << " */\n";
  }
  os << "} " << entry.symbol << "_hyper;\n\n";
}

/// "gradient", "state, starts at 0"
static std::string describeUse(const EntryTensor &tensor, FuncKind kind, std::optional<double> initial) {
  bool isReplaced = kind == FuncKind::Loss && tensor.written && tensor.argument >= 0;
  if (isReplaced) {
    EntryTensor before = tensor;
    before.written = false;
    return describeUse(before, kind, initial) + ", replaced by the gradient in it";
  }
  switch (tensor.role) {
  case GRADUS_PARAM:
    return tensor.written ? "parameter, replaced" : "parameter";
  case GRADUS_GRAD:
    return tensor.written ? "gradient, replaced by 0" : "gradient";
  case GRADUS_STATE:
    return (tensor.written ? "state, replaced" : "state") + (initial ? "; starts at " + formatNumber(*initial) : std::string());
  case GRADUS_INPUT:
    return tensor.optional ? "input, " + formatNumber(tensor.initial.value_or(0)) + " everywhere where its data is null" : "input";
  case GRADUS_DATA:
    return "data";
  case GRADUS_OUTPUT:
    return "output, written";
  case GRADUS_REPORT:
    return "report, written unless its data is null";
  }
  return "";
}

static void writeSlot(raw_ostream &os, const ArtifactEntry &entry) {
  if (entry.layout.tensors.empty())
    return;
  os << "/** The tensors of one slot of " << entry.symbol << ". Equal symbols are equal sizes. */\ntypedef struct "
     << entry.symbol << "_slot {\n";
  for (auto [tensor, member, initial] : zip(entry.layout.tensors, entry.tensorMembers, entry.initial)) {
    os << "  gradus_tensor " << member << "; /**< ";
    if (member != tensor.name)
      os << "'" << toComment(tensor.name) << "', ";
    os << gradus_dtype_name(tensor.dtype) << " " << toComment(formatShape(tensor));
    // A rank-polymorphic tensor shares its shape with those of the same symbol, here named by the first.
    if (tensor.rank < 0)
      os << " (" << toComment(cast<mlir::StringAttr>(tensor.dims.front()).getValue()) << " elements)";
    os << ", " << describeUse(tensor, entry.layout.kind, initial) << (tensor.shared && entry.layout.isOpen ? "; one for all slots, given in slot 0" : "") << " */\n";
  }
  os << "} " << entry.symbol << "_slot;\n\n";
}

static void writeFunctions(raw_ostream &os, const ArtifactEntry &entry) {
  const EntryLayout &layout = entry.layout;
  std::string hyper = layout.hypers.empty() ? "void" : entry.symbol + "_hyper";
  std::string slot = layout.tensors.empty() ? "void" : entry.symbol + "_slot";
  os << "/**\n";
  writeLines(os, entry.doc.empty() ? getKindText(layout.kind) : StringRef(entry.doc));
  os << " *\n";
  if (!entry.doc.empty())
    writeLines(os, getKindText(layout.kind));
  if (layout.hypers.empty())
    writeLines(os, "`hyper`: null, there are no hyper-parameters.");
  else
    writeLines(os, "`hyper`: null for the defaults.");
  writeLines(os, layout.takesTime ? "`t` counts committed steps from 1." : "`t` is not looked at.");
  writeLines(os, layout.isOpen ? "Any number of slots: the tensors of a collection."
                               : "`n_slots` is 1.");
  if (!entry.initSymbol.empty())
    writeLines(os, "The first state is made by " + entry.initSymbol + ".");
  writeLines(os, "`workspace`: " + entry.symbol + "_workspace(..) bytes, aligned to 64. `context` and `report` may be null.");
  writeLines(os, "Returns GRADUS_OK, or why nothing was written (gradus_status in gradus.h); context->error gets the sentence.");
  os << " */\ngradus_status " << entry.symbol << "(const gradus_context *context, const " << hyper
     << " *hyper, uint64_t t, uint64_t seed,\n    const " << slot
     << " *slots, size_t n_slots, void *workspace, size_t workspace_bytes, gradus_report *report);\n";
  os << "/** The bytes of workspace for these tensors; SIZE_MAX where they would be refused. Their data may be null. */\nsize_t "
     << entry.symbol << "_workspace(const " << slot << " *slots, size_t n_slots);\n";
  if (!layout.hypers.empty())
    os << "/** Fills in the defaults; NaN where there is none. */\nvoid " << entry.symbol << "_defaults(" << hyper
       << " *hyper);\n";
  os << "/** The same as data: names, shapes, intervals. */\nconst gradus_entry *" << entry.symbol << "_entry(void);\n\n";
}

/// The same entry on a device: hyper-parameters and slots are those of the CPU.
static void writeDeviceFunctions(raw_ostream &os, const ArtifactEntry &entry, gradus_device_type type) {
  const EntryLayout &layout = entry.layout;
  std::string hyper = layout.hypers.empty() ? "void" : entry.symbol + "_hyper";
  std::string slot = layout.tensors.empty() ? "void" : entry.symbol + "_slot";
  std::string symbol = entry.getSymbol(type), device = gradus_device_type_name(type);
  os << "/**\n";
  writeLines(os, "`" + entry.symbol + "` on " + device + ": tensors and workspace are device addresses, of the type and number of context->device (gradus_device.h).");
  writeLines(os, "Returns when the work is recorded: nothing is waited for, allocated or read back, so that a graph can record the call and replay it. What the\n"
                 "step came to stands in the device's report.");
  os << " */\ngradus_status " << symbol << "(const gradus_context *context, const " << hyper << " *hyper, uint64_t t, uint64_t seed,\n    const " << slot
     << " *slots, size_t n_slots, void *workspace, size_t workspace_bytes, gradus_report *report);\n";
  os << "/** The bytes of workspace on the device. */\nsize_t " << symbol << "_workspace(const " << slot << " *slots, size_t n_slots);\n";
  os << "const gradus_entry *" << symbol << "_entry(void);\n\n";
}

static void writeDeclarations(raw_ostream &os, const ArtifactEntry &entry) {
  writeHyper(os, entry);
  writeSlot(os, entry);
  writeFunctions(os, entry);
  for (gradus_device_type type : entry.devices)
    writeDeviceFunctions(os, entry, type);
}

std::string renderDeclarations(const ArtifactEntry &entry) {
  std::string text;
  raw_string_ostream os(text);
  writeDeclarations(os, entry);
  return text;
}

std::string renderHeader(const Artifact &artifact) {
  std::string text;
  raw_string_ostream os(text);
  std::string macro = artifact.getAbiMacro();
  std::string guard = "GRADUS_SPEC_" + StringRef(macro).drop_back(4).str() + "_H";
  bool const hasDevices = any_of(artifact.entries, [](const ArtifactEntry &entry) { return !entry.devices.empty(); });
  os << "/* " << toComment(artifact.options.name) << ".h - written by gradus " << gradusVersion << " from "
     << toComment(artifact.options.name) << ".grad; C99 and C++. */\n\n#ifndef " << guard << "\n#define " << guard
     << "\n\n#include \"gradus.h\"\n" << (hasDevices ? "#include \"gradus_device.h\"\n" : "") << "\n#if GRADUS_ABI_VERSION != " << GRADUS_ABI_VERSION
     << "\n#error \"this header and gradus.h are of different ABI versions; build the spec again\"\n#endif\n\n";
  os << "/** Hash of program, flags and compiler; the `content` of every entry of the archive that this header belongs to. */\n#define "
     << macro << " UINT64_C(" << format_hex(artifact.content, 18) << ")\n\n";
  os << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  for (const ArtifactEntry &entry : artifact.entries) {
    os << "/*===- " << entry.symbol << " ===*/\n\n";
    writeDeclarations(os, entry);
  }
  os << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}

} // namespace gradus
