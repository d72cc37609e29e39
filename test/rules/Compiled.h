//===- Compiled.h - A spec emitted twice: to compile and to evaluate -----------===//

#pragma once

#include "codegen/cpu/JitEntry.h"
#include "codegen/driver/Session.h"

#include <gtest/gtest.h>

/// One spec of the standard library in one storage type.
class Compiled {
public:
  Compiled(const std::string &file, llvm::StringRef dtype) {
    std::string path = std::string(GRADUS_SOURCE_STD) + "/" + file;
    mlir::ModuleOp module = compiled.load(path, dtype, {});
    if (!module || !reference.load(path, dtype, {}) || !compiled.addGradients())
      return;
    for (gradus::FuncOp func : module.getOps<gradus::FuncOp>())
      if (gradus::isEntry(func))
        layouts[func.getSymName().str()] = gradus::computeEntryLayout(func);
    std::string error;
    if (!compiled.runPhases(gradus::Phase::Lower) || failed(gradus::convertToLLVMDialect(module)))
      return;
    jit = gradus::Jit::create(module, gradus::CpuTarget{}, error);
    EXPECT_TRUE(jit) << error;
  }
  bool isReady() const { return jit != nullptr; }

  const gradus::EntryLayout &getLayout(const std::string &name) { return layouts.at(name); }
  std::unique_ptr<gradus::JitEntry> getEntry(const std::string &name) { return std::make_unique<gradus::JitEntry>(layouts.at(name), *jit); }
  /// The function as the front end wrote it.
  gradus::FuncOp getReference(const std::string &name) { return reference.getModule().lookupSymbol<gradus::FuncOp>(name); }

private:
  gradus::driver::Session compiled, reference;
  std::map<std::string, gradus::EntryLayout> layouts;
  std::unique_ptr<gradus::Jit> jit;
};
