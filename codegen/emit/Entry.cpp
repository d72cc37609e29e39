//===- Entry.cpp - What an entry point takes, and in which order --------------===//

#include "codegen/emit/Entry.h"

#include "dialect/DimExpr.h"
#include "passes/step/Guard.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

int64_t EntryLayout::findSymbol(StringAttr symbol) const {
  const auto *it = llvm::find(symbols, symbol);
  return it == symbols.end() ? -1 : it - symbols.begin();
}

bool isEntry(FuncOp func) { return func.getKind() != FuncKind::Test; }

std::optional<double> toNumber(Attribute attribute) {
  if (auto number = dyn_cast_or_null<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto truth = dyn_cast_or_null<BoolAttr>(attribute))
    return truth.getValue() ? 1 : 0;
  if (auto integer = dyn_cast_or_null<IntegerAttr>(attribute))
    return static_cast<double>(integer.getValue().getSExtValue());
  return std::nullopt;
}

gradus_dtype toDType(Type element) {
  if (element.isF16())
    return GRADUS_F16;
  if (element.isBF16())
    return GRADUS_BF16;
  if (element.isF32())
    return GRADUS_F32;
  if (element.isF64())
    return GRADUS_F64;
  if (element.isInteger(32))
    return GRADUS_I32;
  if (auto blocks = dyn_cast<BlocksType>(element))
    return static_cast<gradus_dtype>(GRADUS_BLOCKS + llvm::Log2_64(blocks.getSize()));
  return element.isInteger(64) ? GRADUS_I64 : GRADUS_BOOL;
}

/// The ABI's role of an argument that is a tensor.
static gradus_role toRole(Role role) {
  switch (role) {
  case Role::Param:
    return GRADUS_PARAM;
  case Role::Grad:
    return GRADUS_GRAD;
  case Role::State:
    return GRADUS_STATE;
  case Role::Input:
    return GRADUS_INPUT;
  case Role::Data:
    return GRADUS_DATA;
  case Role::Hyper:
  case Role::Time:
  case Role::Value:
  case Role::Next:
  case Role::Report:
    break;
  }
  return GRADUS_OUTPUT;
}

static EntryTensor makeTensor(StringRef name, gradus_role role, ArrayType type) {
  EntryTensor tensor;
  tensor.name = name.str();
  tensor.role = role;
  tensor.dtype = toDType(type.getElementType());
  tensor.rank = type.getRank();
  tensor.dims.assign(type.getShape().begin(), type.getShape().end());
  tensor.written = role == GRADUS_OUTPUT || role == GRADUS_REPORT;
  tensor.optional = role == GRADUS_REPORT;
  tensor.type = type;
  // A rank-polymorphic tensor is the vector of its elements, of the one dimension `name.numel`.
  if (type.getRank() == 1)
    if (auto symbol = dyn_cast<StringAttr>(type.getShape().front()); symbol && symbol.getValue().ends_with(".numel"))
      tensor.rank = -1;
  return tensor;
}

static EntryHyper makeHyper(FuncOp func, unsigned index) {
  EntryHyper hyper;
  hyper.name = func.getArgName(index).str();
  hyper.argument = index;
  hyper.type = cast<ArrayType>(func.getArgumentTypes()[index]);
  hyper.isBool = hyper.type.isBool();
  hyper.isInteger = hyper.type.isInt();
  hyper.initial = func.getArgAttr(index, "gradus.default");
  hyper.interval = func.getArgAttrOfType<IntervalAttr>(index, "gradus.interval");
  return hyper;
}

/// A loss reports its value; what other units return as a value is an output like any other.
static bool isReportedValue(FuncOp func, unsigned result) {
  return func.getResultRole(result) == Role::Value &&
         (func.getKind() == FuncKind::Loss || func.getKind() == FuncKind::TrainStep);
}

static void addSymbol(EntryLayout &layout, Attribute dim) {
  if (auto symbol = dyn_cast<StringAttr>(dim); symbol && layout.findSymbol(symbol) < 0)
    layout.symbols.push_back(symbol);
}

/// Adds the symbols that can be told from formulas of the tensors, and the formulas of the body: whoever calls makes sure that all of them
/// are sizes.
static void addFormulas(FuncOp func, EntryLayout &layout) {
  auto isKnown = [&](StringRef symbol) { return layout.findSymbol(StringAttr::get(func.getContext(), symbol)) >= 0; };
  for (bool isNew = true; isNew;) {
    isNew = false;
    for (StringAttr symbol : SmallVector<StringAttr>(layout.symbols)) {
      if (!isFormula(symbol))
        continue;
      DimExpr formula = DimExpr::of(symbol);
      std::optional<std::string> unknown = findOnlyUnknown(formula, isKnown);
      if (!unknown || !formula.solve(*unknown, DimExpr::number(0)))
        continue;
      addSymbol(layout, StringAttr::get(func.getContext(), *unknown));
      isNew = true;
    }
  }
  llvm::SetVector<Attribute> found;
  func.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (auto type = dyn_cast<ArrayType>(result.getType()))
        for (Attribute dim : type.getShape())
          if (isFormula(dim))
            found.insert(dim);
    if (auto dim = dyn_cast<DimOp>(op); dim && isFormula(dim.getSymbolAttr()))
      found.insert(dim.getSymbolAttr());
  });
  for (Attribute dim : found)
    if (llvm::all_of(DimExpr::of(dim).getSymbols(), isKnown))
      addSymbol(layout, dim);
  // What formulas need comes first: the runtime has room for so many.
  std::set<std::string> inFormulas;
  for (StringAttr symbol : layout.symbols)
    if (isFormula(symbol))
      inFormulas.merge(DimExpr::of(symbol).getSymbols());
  llvm::stable_sort(layout.symbols, [&](StringAttr a, StringAttr b) {
    auto isNeeded = [&](StringAttr symbol) { return isFormula(symbol) || inFormulas.contains(symbol.str()); };
    return isNeeded(a) && !isNeeded(b);
  });
}

EntryLayout computeEntryLayout(FuncOp func) {
  EntryLayout layout;
  layout.name = func.getSymName().str();
  layout.cName = toCName(layout.name);
  layout.kind = func.getKind();
  layout.isOpen = func.isOpen();
  llvm::SmallVector<int64_t> tensorOf(func.getNumArguments(), -1);
  for (auto [index, type] : llvm::enumerate(func.getArgumentTypes())) {
    Role role = func.getArgRole(index);
    if (role == Role::Time) {
      layout.takesTime = true;
    } else if (role == Role::Hyper) {
      layout.hypers.push_back(makeHyper(func, index));
    } else {
      tensorOf[index] = layout.tensors.size();
      layout.tensors.push_back(makeTensor(func.getArgName(index), toRole(role), cast<ArrayType>(type)));
      layout.tensors.back().argument = index;
      layout.tensors.back().shared = func.getArgAttr(index, "gradus.shared") != nullptr;
      layout.tensors.back().initial = toNumber(func.getArgAttr(index, "gradus.default"));
      layout.tensors.back().optional = role == Role::Input && layout.tensors.back().initial.has_value();
    }
  }
  for (auto [index, type] : llvm::enumerate(func.getResultTypes())) {
    int64_t of = func.getResultOf(index);
    if (func.getResultAttr(index, guardAttribute)) // it leaves no trace but in the status
      continue;
    if (isReportedValue(func, index)) {
      layout.valueResult = index;
    } else if (of >= 0 && tensorOf[of] >= 0) {
      layout.tensors[tensorOf[of]].written = true;
      layout.tensors[tensorOf[of]].result = index;
    } else {
      gradus_role role = func.getResultRole(index) == Role::Report ? GRADUS_REPORT : GRADUS_OUTPUT;
      layout.tensors.push_back(makeTensor(func.getResultName(index), role, cast<ArrayType>(type)));
      layout.tensors.back().shared = func.getResultAttr(index, "gradus.shared") != nullptr;
      layout.tensors.back().result = index;
    }
  }
  for (const EntryTensor &tensor : layout.tensors)
    for (Attribute dim : tensor.dims)
      addSymbol(layout, dim);
  addFormulas(func, layout);
  return layout;
}

} // namespace gradus
