//===- Elements.h - Every element type, its numbers, and both engines -----------===//
//
// What the tests of operations share: the types that arrays may have, operands with all that is special about one, and a call
// of both engines at the same stored numbers.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Compiled.h"

#include "gtest/gtest.h"

namespace gradus {

/// An element type of a test: its name in the IR, and the type in which it computes.
struct Element {
  const char *name;
  const char *wide;
  unsigned bits; ///< of the significand; 0: no floating type
};
inline constexpr Element elements[] = {{"bf16", "f32", 8}, {"f16", "f32", 11}, {"f32", "f32", 24}, {"f64", "f64", 53},
                                {"i1", "i1", 0},    {"i32", "i32", 0},  {"i64", "i64", 0}};
inline constexpr const Element &elementF64 = elements[3], &elementBool = elements[4];

/// Which types an op takes.
enum Takes { Floats, Numbers, Integers, Bools, Anything };

bool isFloat(const Element &element);
bool isBool(const Element &element);
/// Whether it is computed in another type than it is stored in.
bool isNarrow(const Element &element);
bool isTaken(Takes takes, const Element &element);
const llvm::fltSemantics &semanticsOf(const Element &element);
double roundTo(const Element &element, double value);
/// The distance of neighbours at |x|.
double ulpAt(const Element &element, double x);

/// Whatever is special about a type, and numbers of all magnitudes; integers around their bounds.
reference::Array<double> makeOperand(const Element &element, const reference::Shape &shape, unsigned seed);

/// Whether the text is a module of the dialect.
bool isLegal(mlir::MLIRContext &context, llvm::StringRef text);

/// What a result may be off by: `scale` is the magnitude of what was added up; `describe` tells the arguments of an element.
void expectNear(const Element &element, const reference::Array<double> &got, const reference::Array<double> &expected, double ulps, double scale,
                llvm::function_ref<std::string(size_t)> describe);

/// Whether ArrayOperationTest.cpp has a row for the op.
bool hasArrayRow(llvm::StringRef op);

class EachType : public testing::TestWithParam<Element> {
protected:
  void SetUp() override { context.loadDialect<GradusDialect>(); }
  void compile(const std::string &text);
  /// The first result of both engines for one function.
  void call(llvm::StringRef name, const reference::Arrays<double> &args, reference::Array<double> &got, reference::Array<double> &expected);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

} // namespace gradus
