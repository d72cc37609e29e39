//===- Frontend.h - From spec files to a gradus module ---------------*- C++ -*-===//
//
// The entrance to the front end: parses a file and what it imports, checks everything and emits the gradus dialect.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_FRONTEND_H
#define GRADUS_LANG_FRONTEND_H

#include "lang/Ast.h"
#include "lang/Messages.h"
#include "lang/Sightings.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <map>

namespace gradus {

/// A spec without errors, with all that it means.
struct CheckedSpec {
  const ast::Sheet &sheet;
  /// The files that it imports, in the order of its units.
  std::vector<std::pair<const ast::Import *, const ast::Sheet *>> imports;
  mlir::ModuleOp module;
};

struct EmitOptions {
  /// Storage type of params, gradients and data: f16, bf16, f32 or f64.
  std::string dtype = "f32";
  /// The folder of the standard library, in which `import "std/rules/adam.grad"` finds rules/adam.grad. Files beside the
  /// importing one come first.
  std::string standardLibrary;
  /// Where imports are looked for that do not lie beside the importing file, in order.
  std::vector<std::string> importFolders = {};
  /// Leaves functions marked `gradus.proximal` for `gradus check`: what tries a prox, a projection or a derivative of one's own, and what takes arguments
  /// to the sets that they lie in, which `gradus.sets` at their function names. On the module `gradus.left_out` has the units without any function, and why.
  bool checks = false;
  /// What stands for the default of a size, `m` or `base.m`, in every unit that has one of the name.
  std::map<std::string, int64_t> sizes = {};
  /// Whether a rule over an objective stays in the module where it stands alone, with gradus.oracle ops, of which there is no code.
  bool keepsUnbound = false;
  /// By the real path: what stands for the contents of files that are imported, as an editor has them.
  std::map<std::string, std::string> texts = {};
  /// Takes what the names and formulas of the main file stand for, where it is not null.
  Sightings *sightings = nullptr;
  /// Where it is set it sees a spec without errors, before rules are left out that have no code of their own.
  std::function<void(const CheckedSpec &spec)> inspect = {};
};

/// On a module: the place of a rule that is left out because its objective is not bound.
inline constexpr llvm::StringLiteral unboundAttribute = "gradus.unbound";
/// Why it is.
inline constexpr llvm::StringLiteral unboundReasonAttribute = "gradus.unbound_reason";

/// Emits every unit of a file; units of imported files are expanded where they are used. Null if there was an error: all
/// errors of the run are then in `diagnostics`, which must have been made for `sources`. Afterwards `sources` holds all
/// files read, the main one first.
mlir::OwningOpRef<mlir::ModuleOp> emitFile(mlir::MLIRContext &context, SourceManager &sources, const std::string &path,
                                           Diagnostics &diagnostics, const EmitOptions &options = {});

/// As `emitFile`, for a text that is already in `sources`.
mlir::OwningOpRef<mlir::ModuleOp> emitModule(mlir::MLIRContext &context, SourceManager &sources, const Source &main,
                                             Diagnostics &diagnostics, const EmitOptions &options = {});

} // namespace gradus

#endif // GRADUS_LANG_FRONTEND_H
