//===- Entry.cpp - What an entry point takes, and in which order --------------===//

#include "codegen/emit/Entry.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

int64_t EntryLayout::findSymbol(StringAttr symbol) const {
  const auto *it = llvm::find(symbols, symbol);
  return it == symbols.end() ? -1 : it - symbols.begin();
}

bool isEntry(FuncOp func) { return func.getKind() != FuncKind::Test; }

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
  tensor.written = role == GRADUS_OUTPUT;
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
    }
  }
  for (auto [index, type] : llvm::enumerate(func.getResultTypes())) {
    int64_t of = func.getResultOf(index);
    if (isReportedValue(func, index)) {
      layout.valueResult = index;
    } else if (of >= 0 && tensorOf[of] >= 0) {
      layout.tensors[tensorOf[of]].written = true;
      layout.tensors[tensorOf[of]].result = index;
    } else {
      layout.tensors.push_back(makeTensor(func.getResultName(index), GRADUS_OUTPUT, cast<ArrayType>(type)));
      layout.tensors.back().result = index;
    }
  }
  for (const EntryTensor &tensor : layout.tensors)
    for (Attribute dim : tensor.dims)
      if (auto symbol = dyn_cast<StringAttr>(dim); symbol && layout.findSymbol(symbol) < 0)
        layout.symbols.push_back(symbol);
  return layout;
}

} // namespace gradus
