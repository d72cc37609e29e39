//===- Shelf.h - The gradients of every loss of the library, for tests -----------===//

#pragma once

#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "lang/Source.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace gradus {

/// A loss and the file that it stands in.
struct ShelfLoss {
  std::string file, name;
};
inline void PrintTo(const ShelfLoss &loss, std::ostream *os) { *os << loss.name; }

inline EmitOptions shelfOptions() {
  EmitOptions options;
  options.dtype = "f64";
  options.standardLibrary = GRADUS_SOURCE_LIBRARY "/std";
  return options;
}

/// The losses of lang/std, of the thirty specs and of `more` files, as the text of the files names them.
inline std::vector<ShelfLoss> findLosses(std::vector<std::string> more = {}) {
  std::vector<std::string> files{std::string(GRADUS_TEST_FOLDER) + "/lang/Inputs/specs.grad"};
  for (const auto &entry : std::filesystem::recursive_directory_iterator(GRADUS_SOURCE_LIBRARY "/std"))
    if (entry.path().extension() == ".grad")
      files.push_back(entry.path().string());
  files.insert(files.end(), more.begin(), more.end());
  std::sort(files.begin(), files.end());
  std::vector<ShelfLoss> losses;
  for (const std::string &file : files) {
    SourceManager sources;
    Diagnostics diagnostics(sources);
    std::FILE *in = std::fopen(file.c_str(), "r");
    EXPECT_TRUE(in) << file;
    if (!in)
      continue;
    char line[4096];
    while (std::fgets(line, sizeof(line), in))
      if (llvm::StringRef text(line); text.consume_front("loss "))
        losses.push_back({file, text.take_until([](char c) { return c == '('; }).str()});
    std::fclose(in);
  }
  return losses;
}

/// A spec in which only the gradient of one loss is left, simplified; null where the loss has none. What passes say is in `said`.
class ShelfGradient {
public:
  ShelfGradient(const ShelfLoss &loss) : sources(), diagnostics(sources) {
    context.loadDialect<GradusDialect>();
    module = emitFile(context, sources, loss.file, diagnostics, shelfOptions());
    EXPECT_TRUE(module) << diagnostics.render();
    auto func = module ? module->lookupSymbol<FuncOp>(loss.name) : FuncOp();
    EXPECT_TRUE(func) << loss.name;
    if (!func)
      return;
    for (FuncOp other : llvm::make_early_inc_range(module->getOps<FuncOp>()))
      if (other != func)
        other.erase();
    auto made = buildGradientFunction(*module, func);
    mlir::PassManager passes(&context);
    PhaseOptions options;
    options.exactDiv = true;
    buildPhasesUpTo(passes, Phase::Simplify, options);
    if (succeeded(made) && succeeded(passes.run(*module)))
      gradient = *made;
  }

  mlir::MLIRContext context;
  SourceManager sources;
  Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  FuncOp gradient;
  std::string said;

private:
  mlir::ScopedDiagnosticHandler listen{&context, [this](mlir::Diagnostic &diagnostic) {
                                         said += diagnostic.str() + "\n";
                                         return mlir::success();
                                       }};
};

} // namespace gradus
