//===- EmitProperty.cpp - What a property is told --------------------------===//
//
// `input x: [n], k: int` in a property: arguments of its function, for which `gradus test` draws sizes and numbers.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;

bool Elaborator::addPropertyInputs(const ast::InputStmt &stmt, UnitBuilder &unit, Scope &scope) {
  bool isSound = true;
  for (const ast::Decl &decl : stmt.decls) {
    std::optional<Kind> kind = kindOfType(decl.type, nullptr);
    std::optional<Shape> shape = decl.type ? evalShape(*decl.type, 0, scope, /*mayDeclare=*/true) : Shape();
    bool isPlain = !decl.value && !stmt.isShared && !storageOf(decl.type).element && llvm::none_of(decl.type ? llvm::ArrayRef<ast::Storage>(decl.type->storage) : llvm::ArrayRef<ast::Storage>(), [](const ast::Storage &word) { return word.isLike; });
    if (!isPlain)
      error(Code::PropertyInput, decl.loc, "an input of a property is drawn, so it has a shape and a kind, but nothing else").suggest("input x: [n], k: int");
    if (!kind || !shape || !isPlain) {
      isSound = false;
      scope.set(decl.name.name, Entity(), decl.loc);
      continue;
    }
    auto type = ArrayType::get(builder.getContext(), *shape, elementOf(*kind, shape->size()));
    bindName(decl.name, Array{{unit.addArgument(Role::Data, decl.name.name, type, decl.loc)}}, scope);
  }
  return isSound;
}
