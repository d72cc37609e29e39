//===- Sample.h - A module with every kind of argument and awkward names ----------===//

#pragma once

#include "codegen/emit/Writers.h"
#include "dialect/Gradus.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include <filesystem>
#include <string>

namespace emit_test {

/// A rule with a rank-polymorphic tensor, a state per row, integer and boolean hyper-parameters, a Greek letter and a C++ word.
inline constexpr char sampleText[] = R"mlir(
gradus.func rule_init @walk.init(%w: !gradus.array<[w.numel], f32> {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[w.numel], f32> {gradus.name = "base.m", gradus.role = #gradus.role<state>}) {
  %c = gradus.constant dense<0.5> : tensor<f64>
  %d = gradus.cast %c : !gradus.array<[], f64> to !gradus.array<[], f32>
  %e = gradus.broadcast %d axes [] : !gradus.array<[], f32> to !gradus.array<[w.numel], f32>
  gradus.return %e : !gradus.array<[w.numel], f32>
}
gradus.func rule_step @walk.step(
    %lr: !gradus.array<[], f64> {gradus.default = 1.0e-3 : f64, gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %beta: !gradus.array<[], f64> {gradus.default = 0.9 : f64, gradus.interval = #gradus.interval<0.0 closed, 1.0 open>, gradus.name = "β", gradus.role = #gradus.role<hyper>},
    %k: !gradus.array<[], i64> {gradus.name = "template", gradus.role = #gradus.role<hyper>},
    %nesterov: !gradus.array<[], i1> {gradus.default = true, gradus.name = "nesterov", gradus.role = #gradus.role<hyper>},
    %t: !gradus.array<[], i64> {gradus.name = "t", gradus.role = #gradus.role<time>},
    %w: !gradus.array<[w.numel], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !gradus.array<[w.numel], f32> {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %x: !gradus.array<[n, 64], f64> {gradus.name = "x", gradus.role = #gradus.role<input>},
    %m: !gradus.array<[w.numel], f32> {gradus.name = "base.m", gradus.role = #gradus.role<state>})
    -> (!gradus.array<[w.numel], f32> {gradus.name = "w", gradus.of = 5 : i64, gradus.role = #gradus.role<next>},
        !gradus.array<[w.numel], f32> {gradus.name = "base.m", gradus.of = 8 : i64, gradus.role = #gradus.role<next>})
    attributes {open, gradus.doc = "A walk. */ int evil; /* C:\\new\nover ??/ two lines\\"} {
  gradus.return %g, %m : !gradus.array<[w.numel], f32>, !gradus.array<[w.numel], f32>
}
gradus.func loss @half(%w: !gradus.array<[n], f64> {gradus.name = "w", gradus.role = #gradus.role<param>},
                       %label: !gradus.array<[n], i64> {gradus.name = "label", gradus.role = #gradus.role<data>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %s = gradus.reduce sum %w axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
  gradus.return %s : !gradus.array<[], f64>
}
)mlir";

struct Sample {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  explicit Sample(llvm::StringRef text = sampleText) {
    context.loadDialect<gradus::GradusDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }
  mlir::FailureOr<gradus::Artifact> describe(const gradus::ArtifactOptions &options = {"walk", "", "dtype=f32"}) {
    return gradus::describeArtifact(*module, options);
  }
};

/// A folder that is removed at the end.
struct Folder {
  std::filesystem::path path;
  explicit Folder(const std::string &name) : path(std::filesystem::temp_directory_path() / ("gradus-emit-" + name)) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string &name) const { return (path / name).string(); }
};

} // namespace emit_test
