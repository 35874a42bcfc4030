#include <exception>
#include <socketserver/base/type_name.hpp>
#include <stdexcept>

#include "support/catch.hpp"

using socketserver::detail::describe;

namespace {

struct NoDescription : std::exception {
  const char* what() const noexcept override { return nullptr; }
};
struct NotStandard {};

}  // namespace

TEST_CASE("an exception of any kind has a description") {
  CHECK(describe(std::make_exception_ptr(std::runtime_error("broken"))) == "std::runtime_error: broken");
  CHECK(describe(std::make_exception_ptr(NoDescription())).find("(no description)") != std::string::npos);
  CHECK(describe(std::make_exception_ptr(3)) == "an exception of type int");
  CHECK(describe(std::make_exception_ptr(NotStandard())).find("NotStandard") != std::string::npos);
  CHECK(describe(std::make_exception_ptr(static_cast<const char*>(nullptr))) == "an exception of type char const*");
}
