//===- Sizes.cpp - The tensors of a call and the sizes that they give ------------===//

#include "passes/lower/Sizes.h"

#include "dialect/DimExpr.h"

using namespace mlir;

namespace gradus {

Value emitDescriptor(CodeBuilder &code, const EntryLayout &layout, Value tensors, Value slot, unsigned tensor) {
  if (layout.tensors[tensor].shared)
    slot = code.i64(0);
  Value number = code.add(code.mul(slot, code.i64(layout.tensors.size())), code.i64(tensor));
  return code.byteAddress(tensors, code.mul(number, code.i64(sizeof(gradus_tensor))));
}

/// The value of a formula whose symbols have values. The caller has made sure that it is whole and not negative.
static Value emitFormula(CodeBuilder &code, const DimExpr &formula, const DenseMap<Attribute, Value> &symbols) {
  auto emitFactor = [&](const std::string &factor) -> Value {
    std::optional<DimExpr::Call> call = DimExpr::readCall(factor);
    if (!call)
      return symbols.lookup(code.getStringAttr(factor));
    Value a = emitFormula(code, call->a, symbols), b = emitFormula(code, call->b, symbols);
    if (call->word == "div") {
      b = code.max(b, code.i64(1)); // a call with less is refused
      Value rest = arith::RemSIOp::create(code, code.add(arith::RemSIOp::create(code, a, b), b), b);
      return arith::DivSIOp::create(code, code.sub(a, rest), b);
    }
    return call->word == "min" ? code.min(a, b) : code.max(a, b);
  };
  Value sum = code.i64(0);
  for (const auto &[factors, times] : formula.getTerms()) {
    Value product = code.i64(times);
    for (const std::string &factor : factors)
      product = code.mul(product, emitFactor(factor));
    sum = code.add(sum, product);
  }
  if (formula.getDivisor() != 1)
    sum = arith::DivSIOp::create(code, sum, code.i64(formula.getDivisor()));
  return sum;
}

/// Symbols that stand in formulas alone, then the formulas.
static void computeSymbols(CodeBuilder &code, ArrayRef<StringAttr> names, DenseMap<Attribute, Value> &symbols) {
  auto isKnown = [&](StringRef name) { return symbols.contains(code.getStringAttr(name)); };
  for (bool isNew = true; isNew;) {
    isNew = false;
    for (StringAttr name : names) {
      if (!isFormula(name) || !symbols.contains(name))
        continue;
      DimExpr formula = DimExpr::of(name);
      std::optional<std::string> unknown = findOnlyUnknown(formula, isKnown);
      // The size of the formula is a symbol of its own here: T of `T + 1` is `formula.size - 1`.
      std::optional<DimExpr> solution = unknown ? formula.solve(*unknown, DimExpr::symbol("formula.size")) : std::nullopt;
      if (!solution)
        continue;
      DenseMap<Attribute, Value> known = symbols;
      known[code.getStringAttr("formula.size")] = symbols.lookup(name);
      symbols[code.getStringAttr(*unknown)] = emitFormula(code, *solution, known);
      isNew = true;
    }
  }
  for (StringAttr name : names)
    if (!symbols.contains(name))
      symbols[name] = emitFormula(code, DimExpr::of(name), symbols);
}

DenseMap<Attribute, Value> emitSymbols(CodeBuilder &code, const EntryLayout &layout, Value tensors, Value slot) {
  DenseMap<Attribute, Value> symbols;
  for (StringAttr symbol : layout.symbols) {
    for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
      const auto *dim = llvm::find(tensor.dims, symbol);
      if (dim == tensor.dims.end())
        continue;
      Value self = emitDescriptor(code, layout, tensors, slot, number);
      Value dims = code.loadRaw(code.ptrType(), code.byteAddress(self, offsetof(gradus_tensor, dims)));
      if (tensor.rank >= 0) {
        symbols[symbol] = code.loadElement(dims, code.getI64Type(), code.i64(dim - tensor.dims.begin()));
        break;
      }
      Value rank = code.loadRaw(code.getI32Type(), code.byteAddress(self, offsetof(gradus_tensor, rank)));
      rank = arith::ExtSIOp::create(code, code.getI64Type(), rank);
      scf::ForOp product = code.loop(code.i64(0), rank, 1, {code.i64(1)}, [&](Value axis, ValueRange carried) {
        return SmallVector<Value>{code.mul(carried[0], code.loadElement(dims, code.getI64Type(), axis))};
      });
      symbols[symbol] = product.getResult(0);
      break;
    }
  }
  computeSymbols(code, layout.symbols, symbols);
  return symbols;
}

} // namespace gradus
