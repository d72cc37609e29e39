//===- MergeKernels.cpp - One function for kernels that are the same code --------===//
//
// Most of the time of a compilation is spent on kernels, and the longest of them, contractions, differ only in what the closure holds.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/fuse/Traffic.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/OperationSupport.h"

namespace gradus {
#define GEN_PASS_DEF_MERGEKERNELS
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

static llvm::hash_code computeHash(LLVM::LLVMFuncOp func) {
  llvm::hash_code hash = llvm::hash_value(0);
  func.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue, OperationEquivalence::ignoreHashValue,
                                                                     OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

/// Whether two functions differ in nothing but their names and the traffic that they are known for.
static bool areSame(LLVM::LLVMFuncOp a, LLVM::LLVMFuncOp b) {
  auto getRest = [](LLVM::LLVMFuncOp func) {
    NamedAttrList attributes(func->getAttrDictionary());
    attributes.erase(func.getSymNameAttrName());
    attributes.erase(trafficAttribute);
    return attributes.getDictionary(func.getContext());
  };
  return getRest(a) == getRest(b) && OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

namespace {
struct MergeKernels : gradus::impl::MergeKernelsBase<MergeKernels> {
  using Base::Base;

  void runOnOperation() override {
    llvm::DenseMap<size_t, SmallVector<LLVM::LLVMFuncOp>> kept;
    llvm::DenseMap<StringAttr, FlatSymbolRefAttr> others; // the name of what goes, and who stands for it
    SmallVector<LLVM::LLVMFuncOp> merged;
    for (auto func : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (func.isExternal() || func.getLinkage() != LLVM::Linkage::Internal)
        continue;
      SmallVector<LLVM::LLVMFuncOp> &alike = kept[computeHash(func)];
      auto same = llvm::find_if(alike, [&](LLVM::LLVMFuncOp other) { return areSame(other, func); });
      if (same == alike.end()) {
        alike.push_back(func);
        continue;
      }
      addTraffic(*same, func);
      others[func.getSymNameAttr()] = FlatSymbolRefAttr::get(same->getSymNameAttr());
      merged.push_back(func);
    }
    if (merged.empty())
      return markAllAnalysesPreserved();
    for (LLVM::LLVMFuncOp func : merged)
      func.erase();
    getOperation().walk([&](Operation *op) {
      if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
        if (FlatSymbolRefAttr other = others.lookup(address.getGlobalNameAttr().getAttr()))
          address.setGlobalNameAttr(other);
      } else if (auto call = dyn_cast<LLVM::CallOp>(op); call && call.getCalleeAttr()) {
        if (FlatSymbolRefAttr other = others.lookup(call.getCalleeAttr().getAttr()))
          call.setCalleeAttr(other);
      }
    });
  }
};
} // namespace
