// An explanation names kernels, arrays and reasons, and leaves the module as it was.

#include "codegen/emit/Explain.h"

#include "dialect/Gradus.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace gradus;

static constexpr const char *momentum = R"mlir(
gradus.func rule_step @momentum.step(%lr: !gradus.array<[], f64> {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %w: !gradus.array<[w.numel], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !gradus.array<[w.numel], f32> {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %m: !gradus.array<[w.numel], f32> {gradus.name = "m", gradus.role = #gradus.role<state>})
    -> (!gradus.array<[w.numel], f32> {gradus.name = "w", gradus.of = 1 : i64, gradus.role = #gradus.role<next>},
        !gradus.array<[w.numel], f32> {gradus.name = "m", gradus.of = 3 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %a = gradus.cast %lr : !gradus.array<[], f64> to !gradus.array<[], f32>
  %b = gradus.broadcast %a axes [] : !gradus.array<[], f32> to !gradus.array<[w.numel], f32>
  %mn = gradus.add %m, %g : !gradus.array<[w.numel], f32>
  %e = gradus.mul %b, %mn : !gradus.array<[w.numel], f32>
  %wn = gradus.sub %w, %e : !gradus.array<[w.numel], f32>
  gradus.return %wn, %mn : !gradus.array<[w.numel], f32>, !gradus.array<[w.numel], f32>
}
)mlir";

namespace {

class Explain : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(momentum, &context);
    ASSERT_TRUE(module);
  }

  Explanation run(bool noFuse) {
    PhaseOptions options;
    options.noFuse = noFuse;
    mlir::FailureOr<Explanation> explanation = explain(*module, options);
    EXPECT_TRUE(succeeded(explanation));
    return mlir::succeeded(explanation) ? *explanation : Explanation();
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

TEST_F(Explain, NamesWhatAKernelReadsAndWrites) {
  Explanation explanation = run(/*noFuse=*/false);
  ASSERT_EQ(explanation.size(), 1u);
  const ExplainedEntry &entry = explanation.front();
  EXPECT_EQ(entry.name, "momentum.step");
  ASSERT_EQ(entry.kernels.size(), 1u);
  const ExplainedKernel &kernel = entry.kernels.front();
  EXPECT_EQ(kernel.reads, (std::vector<std::string>{"w", "g", "m"}));
  EXPECT_EQ(kernel.writes, (std::vector<std::string>{"m", "w"}));
  EXPECT_EQ(kernel.operations, 3u);
  EXPECT_EQ(kernel.flops, 3);
  EXPECT_EQ(entry.getFlopsPerParameter(), 3);
}

TEST_F(Explain, SaysMoreKernelsAndReasonsWithoutFusion) {
  Explanation explanation = run(/*noFuse=*/true);
  ASSERT_EQ(explanation.size(), 1u);
  EXPECT_EQ(explanation.front().kernels.size(), 3u);
  bool hasReason = false;
  for (const ExplainedNote &note : explanation.front().notes)
    hasReason |= note.kind == "not-fused" && note.text.find("fusion is off") != std::string::npos;
  EXPECT_TRUE(hasReason);
}

TEST_F(Explain, CountsTheBytesOfTheLoweredKernels) {
  EXPECT_EQ(run(/*noFuse=*/false).front().getBytesPerParameter(), 20.0);
  EXPECT_GT(run(/*noFuse=*/true).front().getBytesPerParameter().value_or(0), 20.0);
  module = mlir::parseSourceFile<mlir::ModuleOp>(GRADUS_ADAMW, &context);
  ASSERT_TRUE(module);
  EXPECT_EQ(run(/*noFuse=*/false).front().getBytesPerParameter(), 28.0);
  EXPECT_EQ(run(/*noFuse=*/false).front().kernels.size(), 1u);
  EXPECT_GT(run(/*noFuse=*/true).front().getBytesPerParameter().value_or(0), 28.0);
  EXPECT_GT(run(/*noFuse=*/true).front().kernels.size(), 1u);
}

TEST_F(Explain, LeavesTheModuleAndTheContextAsTheyWere) {
  std::string before, after;
  llvm::raw_string_ostream(before) << *module;
  run(/*noFuse=*/false);
  llvm::raw_string_ostream(after) << *module;
  EXPECT_EQ(before, after);
  EXPECT_EQ(context.getRemarkEngine(), nullptr);
}

TEST_F(Explain, PrintsTextAndJson) {
  Explanation explanation = run(/*noFuse=*/false);
  explanation.front().kernels.front().traffic = Traffic{12.0, 8.0};
  std::string text;
  llvm::raw_string_ostream os(text);
  printExplanation(explanation, os);
  EXPECT_NE(text.find("momentum.step: 1 phase, 1 kernel\n"), std::string::npos);
  EXPECT_NE(text.find("total: 20 bytes and 3 flops per parameter\n"), std::string::npos);
  llvm::json::Array entries = toJson(explanation);
  const llvm::json::Object *entry = entries[0].getAsObject();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->getNumber("bytes_per_parameter"), 20.0);
  EXPECT_EQ(entry->getArray("kernels")->size(), 1u);
}
