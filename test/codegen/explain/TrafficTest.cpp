// The bytes of a loop are those of the loads and stores that change from pass to pass, outside the stack.

#include "passes/fuse/Traffic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

static constexpr const char *loopSource = R"mlir(
llvm.func @kernel(%x: !llvm.ptr, %y: !llvm.ptr, %h: !llvm.ptr, %n: i64) {
  %zero = arith.constant 0 : i64
  %step = arith.constant 16 : i64
  %one = arith.constant 1 : i64
  %stack = llvm.alloca %one x i64 : (i64) -> !llvm.ptr
  scf.for %i = %zero to %n step %step : i64 {
    %px = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %px : !llvm.ptr -> vector<16xf32>
    %hyper = llvm.load %h : !llvm.ptr -> f64
    %ph = llvm.getelementptr %h[%one] : (!llvm.ptr, i64) -> !llvm.ptr, f64
    %other = llvm.load %ph : !llvm.ptr -> f64
    llvm.store %i, %stack : i64, !llvm.ptr
    %py = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
    %w = llvm.load %py : !llvm.ptr -> vector<16xi16>
    llvm.store %w, %py : vector<16xi16>, !llvm.ptr
  }
  llvm.return
}
)mlir";

static OwningOpRef<ModuleOp> parse(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, LLVM::LLVMDialect, scf::SCFDialect>();
  return parseSourceString<ModuleOp>(loopSource, &context);
}

TEST(Traffic, CountsWhatChangesFromPassToPass) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = parse(context);
  ASSERT_TRUE(module);
  Operation *loop = nullptr;
  module->walk([&](scf::ForOp op) { loop = op; });
  ASSERT_NE(loop, nullptr);
  gradus::Traffic traffic = gradus::countTraffic(loop, 16);
  EXPECT_EQ(traffic.read, 6.0);
  EXPECT_EQ(traffic.written, 2.0);
}

TEST(Traffic, IsFoundWhereItWasRecorded) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = parse(context);
  ASSERT_TRUE(module);
  Operation *holder = &module->getBody()->front();
  gradus::recordTraffic(holder, "adamw.step", 0, {16.0, 12.0});
  gradus::recordTraffic(holder, "adamw.step", 1, {4.0, 0.0});
  std::optional<gradus::Traffic> first = gradus::findTraffic(*module, "adamw.step", 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->read, 16.0);
  EXPECT_EQ(first->written, 12.0);
  EXPECT_EQ(gradus::findTraffic(*module, "adamw.step", 1)->read, 4.0);
  EXPECT_FALSE(gradus::findTraffic(*module, "adamw.step", 2));
  EXPECT_FALSE(gradus::findTraffic(*module, "lion.step", 0));
}
