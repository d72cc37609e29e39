//===- Artifact.cpp - What `gradus build` writes about a compiled spec ---------===//

#include "codegen/emit/Artifact.h"

#include "codegen/emit/CName.h"
#include "codegen/emit/Version.h"
#include "dialect/Gradus.h"
#include "passes/step/Guard.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <charconv>
#include <cmath>
#include <limits>

using namespace mlir;

namespace gradus {

std::string Artifact::getAbiMacro() const { return StringRef(toCName(options.prefix + options.name)).upper() + "_ABI"; }

std::vector<std::string> Artifact::getExports() const {
  std::vector<std::string> names;
  for (const ArtifactEntry &entry : entries) {
    names.push_back(entry.symbol);
    names.push_back(entry.symbol + "_entry");
    names.push_back(entry.symbol + "_workspace");
    if (!entry.layout.hypers.empty())
      names.push_back(entry.symbol + "_defaults");
    for (gradus_device_type type : entry.devices)
      for (const char *suffix : {"", "_entry", "_workspace"})
        names.push_back(entry.getSymbol(type) + suffix);
  }
  llvm::sort(names);
  return names;
}

//===----------------------------------------------------------------------===//
// Numbers and shapes as text
//===----------------------------------------------------------------------===//

std::string formatNumber(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char text[64];
  std::to_chars_result result = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, result.ptr);
}

HyperInterval getInterval(const EntryHyper &hyper) {
  double infinity = std::numeric_limits<double>::infinity();
  if (hyper.interval)
    return {hyper.interval.getLowValue(), hyper.interval.getHighValue(), hyper.interval.getLowClosed(),
            hyper.interval.getHighClosed()};
  if (hyper.isBool)
    return {0, 1, true, true};
  return {-infinity, infinity, false, false};
}

std::string formatInterval(const EntryHyper &hyper) {
  if (!hyper.interval)
    return "";
  HyperInterval interval = getInterval(hyper);
  return (interval.lowClosed ? "[" : "(") + formatNumber(interval.low) + ", " + formatNumber(interval.high) +
         (interval.highClosed ? "]" : ")");
}

StringRef getRoleName(gradus_role role) {
  switch (role) {
  case GRADUS_PARAM:
    return "param";
  case GRADUS_GRAD:
    return "grad";
  case GRADUS_STATE:
    return "state";
  case GRADUS_INPUT:
    return "input";
  case GRADUS_DATA:
    return "data";
  case GRADUS_OUTPUT:
    return "output";
  case GRADUS_REPORT:
    return "report";
  }
  return "unknown";
}

std::string formatShape(const EntryTensor &tensor) {
  if (tensor.rank < 0)
    return "any shape";
  std::string text = "[";
  for (auto [index, dim] : llvm::enumerate(tensor.dims)) {
    if (index > 0)
      text += ", ";
    if (auto symbol = dyn_cast<StringAttr>(dim))
      text += symbol.getValue();
    else
      text += std::to_string(cast<IntegerAttr>(dim).getInt());
  }
  return text + "]";
}

/// Members of one struct: names that C cannot tell apart get a number.
template <typename Range>
static std::vector<std::string> makeMembers(const Range &range) {
  std::vector<std::string> members;
  llvm::StringSet<> taken;
  for (const auto &item : range) {
    std::string name = toIdentifier(item.name), unique = name;
    for (int number = 2; !taken.insert(unique).second; ++number)
      unique = name + "_" + std::to_string(number);
    members.push_back(unique);
  }
  return members;
}

//===----------------------------------------------------------------------===//
// The description
//===----------------------------------------------------------------------===//

/// The one number that fills a value, through casts and broadcasts of a constant; in blocks of codes it is the largest, which is kept as it is.
static std::optional<double> findFill(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!elements || !elements.isSplat())
        return std::nullopt;
      return toNumber(elements.getSplatValue<Attribute>());
    }
    if (!isa<BroadcastOp, CastOp, EncodeOp>(op))
      return std::nullopt;
    value = op->getOperand(0);
  }
  return std::nullopt;
}

/// The function that makes the first states: "adamw.init" for "adamw.step", "dadao.init" for its entry "dadao.edge", "elr.init" for a loss "elr".
static FuncOp findInit(ModuleOp module, const EntryLayout &layout) {
  StringRef base = layout.name;
  if (layout.kind == FuncKind::RuleStep || layout.kind == FuncKind::TrainStep || base.ends_with(".grad"))
    base = base.rsplit('.').first;
  else if (layout.kind != FuncKind::Loss && layout.kind != FuncKind::Schedule)
    return nullptr;
  return module.lookupSymbol<FuncOp>((base + ".init").str());
}

static void fillInitial(ArtifactEntry &entry, FuncOp init) {
  entry.initial.assign(entry.layout.tensors.size(), std::nullopt);
  if (!init)
    return;
  Operation *last = init.getBody().front().getTerminator();
  for (auto [index, tensor] : llvm::enumerate(entry.layout.tensors)) {
    if (tensor.role != GRADUS_STATE)
      continue;
    for (unsigned result = 0; result < last->getNumOperands(); ++result)
      if (init.getResultName(result) == tensor.name)
        entry.initial[index] = findFill(last->getOperand(result));
  }
}

static LogicalResult checkSizes(FuncOp func, const EntryLayout &layout) {
  for (const EntryTensor &tensor : layout.tensors) {
    if (tensor.rank > GRADUS_MAX_RANK)
      return func.emitError("G0309: '") << tensor.name << "' has " << tensor.rank << " axes; compiled entries take at most "
                              << GRADUS_MAX_RANK;
    for (Attribute dim : tensor.dims)
      if (auto size = dyn_cast<IntegerAttr>(dim); size && size.getInt() > std::numeric_limits<int32_t>::max() - 1)
        return func.emitError("G0312: '") << tensor.name << "' has an axis of the fixed size " << size.getInt()
                                << "; compiled entries take at most " << std::numeric_limits<int32_t>::max() - 1;
  }
  return success();
}

std::vector<std::string> findGuards(FuncOp func) {
  std::vector<std::string> guards;
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute))
      guards.push_back(what.str());
  return guards;
}

/// What the header declares for an entry, on devices too.
static std::vector<std::string> getAllNames(const ArtifactEntry &entry) {
  std::vector<std::string> names = getClaimedNames(entry.symbol);
  for (gradus_device_type type : entry.devices)
    for (const char *suffix : {"", "_entry", "_workspace"})
      names.push_back(entry.getSymbol(type) + suffix);
  return names;
}

/// The program as text, the flags and the compiler decide the artifact's bytes.
static uint64_t hashContent(ModuleOp module, const ArtifactOptions &options) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "gradus " << gradusVersion << " llvm " << LLVM_VERSION_STRING << " abi " << GRADUS_ABI_VERSION << '\n'
     << options.prefix << '\n'
     << options.flags << '\n';
  module.print(os);
  return llvm::xxh3_64bits(os.str());
}

FailureOr<Artifact> describeArtifact(ModuleOp module, const ArtifactOptions &options) {
  Artifact artifact;
  artifact.options = options;
  artifact.content = hashContent(module, options);
  llvm::StringSet<> symbols;
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (!isEntry(func))
      continue;
    ArtifactEntry entry;
    entry.layout = computeEntryLayout(func);
    entry.symbol = toIdentifier(options.prefix + entry.layout.name);
    if (auto doc = func->getAttrOfType<StringAttr>("gradus.doc"))
      entry.doc = doc.getValue().str();
    entry.tensorMembers = makeMembers(entry.layout.tensors);
    entry.hyperMembers = makeMembers(entry.layout.hypers);
    FuncOp init = findInit(module, entry.layout);
    fillInitial(entry, init);
    if (init)
      entry.initSymbol = toIdentifier(options.prefix + init.getSymName().str());
    if (!llvm::is_contained(options.hostOnly, entry.layout.name))
      entry.devices = options.devices;
    if (!entry.devices.empty())
      entry.guards = findGuards(func);
    if (failed(checkSizes(func, entry.layout)))
      return failure();
    artifact.entries.push_back(std::move(entry));
    for (const std::string &name : getAllNames(artifact.entries.back()))
      if (!symbols.insert(name).second)
        return func.emitError("G0857: '") << func.getSymName() << "' has the C name '" << name << "', which another entry has already";
  }
  return artifact;
}

} // namespace gradus
