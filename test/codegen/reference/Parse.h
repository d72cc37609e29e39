//===- Parse.h - Functions from .mlir text, for the tests of the evaluator -----===//

#pragma once

#include "codegen/reference/Evaluator.h"
#include "dialect/Gradus.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <limits>

namespace gradus::reference {

inline constexpr double inf = std::numeric_limits<double>::infinity();
inline constexpr double qnan = std::numeric_limits<double>::quiet_NaN();

using Values = std::vector<double>;
using Ints = std::vector<int64_t>;
using A = Array<double>;

/// A vector, and scalars, as arguments.
inline A vec(Values v) { return A::real({static_cast<int64_t>(v.size())}, v); }
inline A ivec(Ints v) { return A::integer({static_cast<int64_t>(v.size())}, v); }
inline A bvec(Ints v) { return A::boolean({static_cast<int64_t>(v.size())}, v); }

/// A module and its only or named function. Arguments and results get names and roles by position.
class Program {
public:
  explicit Program(const std::string &text) {
    context.loadDialect<GradusDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context, "test");
    EXPECT_TRUE(module) << text;
  }
  FuncOp func() { return module ? *module->getOps<FuncOp>().begin() : FuncOp(); }
  template <typename S = double>
  Arrays<S> run(const Arrays<S> &args) {
    std::string error;
    auto results = evaluate<S>(func(), args, error);
    EXPECT_TRUE(succeeded(results)) << error;
    return succeeded(results) ? *results : Arrays<S>{};
  }
  std::string runError(const Arrays<double> &args) {
    std::string error;
    EXPECT_TRUE(failed(evaluate<double>(func(), args, error)));
    return error;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// `gradus.func kind @f(%a0: types[0] .., ) -> (results ..) { body }`; the body ends with its own gradus.return.
inline std::string function(std::vector<std::string> types, std::vector<std::string> results, std::string body,
                            std::string kind = "loss", std::string attributes = "") {
  std::string text = "gradus.func " + kind + " @f(";
  for (size_t i = 0; i < types.size(); ++i)
    text += (i ? ", %a" : "%a") + std::to_string(i) + ": !gradus.array<" + types[i] + "> {gradus.name = \"a" +
            std::to_string(i) + "\", gradus.role = #gradus.role<input>}";
  text += ") -> (";
  for (size_t i = 0; i < results.size(); ++i)
    text += (i ? ", " : "") + ("!gradus.array<" + results[i] + "> {gradus.name = \"r" + std::to_string(i)) +
            "\", gradus.role = #gradus.role<report>}";
  return text + ") " + attributes + " {\n" + body + "\n}\n";
}

/// Elementwise equality that tells NaN from numbers and -0 from 0.
inline void expectSame(const Values &got, const Values &expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(got[i])) << "element " << i << " is " << got[i];
    else
      EXPECT_TRUE(got[i] == expected[i] && std::signbit(got[i]) == std::signbit(expected[i]))
          << "element " << i << " is " << got[i] << ", not " << expected[i];
}
inline void expectNear(const Values &got, const Values &expected, double tolerance = 1e-14) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], tolerance * std::fmax(1, std::fabs(expected[i]))) << "element " << i;
}

} // namespace gradus::reference
