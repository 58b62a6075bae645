//! From the text of a condition to its expression tree.

use super::{Comparison, Expr};

/// More nesting than any real condition has, and far less than the stack holds.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(u64),
    /// Punctuation and comparison operators.
    Sign(&'static str),
}

const SIGNS: [&str; 16] = ["==", "!=", "<=", ">=", "~=", "<", ">", "(", ")", "[", "]", ",", ".", ":", "=", "!"];

/// Parses a whole expression; the error is a reason in words.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.or()?;
    match parser.tokens.get(parser.next) {
        None => Ok(expression),
        Some(token) => Err(format!("unexpected {}", token.describe())),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number = rest[..length].parse().map_err(|_| format!("`{}` is too large", &rest[..length]))?;
            tokens.push(Token::Number(number));
            length
        } else if first == '\'' || first == '"' {
            let body = &rest[1..];
            let end = body.find(first).ok_or("a string does not end")?;
            if body[..end].contains('\\') {
                return Err("escapes in strings are not supported".to_owned());
            }
            tokens.push(Token::Text(body[..end].to_owned()));
            end + 2
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("unexpected `{first}`"))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Text(text) => format!("`\"{text}\"`"),
            Self::Number(number) => format!("`{number}`"),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some(Token::Sign(here)) if *here == sign);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some(Token::Word(here)) if here == word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("`{sign}` is missing")) }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth == MAX_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, String> {
        if self.word("not") {
            return Ok(Expr::Not(Box::new(self.nested(Self::not)?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let first = self.value()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.operator()? {
            rest.push((comparison, self.value()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn operator(&mut self) -> Result<Option<Comparison>, String> {
        use Comparison::*;
        let signs = [
            ("==", Equal),
            ("!=", NotEqual),
            ("<=", LessOrEqual),
            (">=", GreaterOrEqual),
            ("<", Less),
            (">", Greater),
            ("~=", Compatible),
        ];
        for (sign, comparison) in signs {
            if self.sign(sign) {
                return Ok(Some(comparison));
            }
        }
        if self.word("in") {
            return Ok(Some(In));
        }
        if self.word("not") {
            return if self.word("in") { Ok(Some(NotIn)) } else { Err("`not` needs `in` after it here".to_owned()) };
        }
        Ok(None)
    }

    /// An atom with what hangs on it: attributes, calls, subscripts.
    fn value(&mut self) -> Result<Expr, String> {
        let mut value = self.nested(Self::atom)?;
        loop {
            if self.sign(".") {
                match self.tokens.get(self.next) {
                    Some(Token::Word(name)) => value = Expr::Attribute(Box::new(value), name.clone()),
                    _ => return Err("a name is missing after `.`".to_owned()),
                }
                self.next += 1;
            } else if self.sign("(") {
                let arguments = self.nested(|parser| parser.list(")"))?.0;
                value = Expr::Call(Box::new(value), arguments);
            } else if self.sign("[") {
                if self.sign(":") {
                    value = Expr::Head(Box::new(value), Box::new(self.nested(Self::or)?));
                } else {
                    value = Expr::Index(Box::new(value), Box::new(self.nested(Self::or)?));
                }
                self.expect("]")?;
            } else {
                return Ok(value);
            }
        }
    }

    fn atom(&mut self) -> Result<Expr, String> {
        let token = self.tokens.get(self.next).cloned().ok_or("unexpected end")?;
        self.next += 1;
        match token {
            Token::Word(word) => match word.as_str() {
                "True" => Ok(Expr::Bool(true)),
                "False" => Ok(Expr::Bool(false)),
                "and" | "or" | "in" | "is" | "if" | "else" | "lambda" | "for" => Err(format!("unexpected `{word}`")),
                _ => Ok(Expr::Name(word)),
            },
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Sign("(") => {
                let (mut items, comma) = self.list(")")?;
                // `(x)` is x itself, `(x,)` a tuple of one.
                match (items.len(), comma) {
                    (1, false) => Ok(items.remove(0)),
                    _ => Ok(Expr::Tuple(items)),
                }
            }
            Token::Sign("[") => self.bracket(),
            sign => Err(format!("unexpected {}", sign.describe())),
        }
    }

    /// A list, or `item for name in of`, up to `]`.
    fn bracket(&mut self) -> Result<Expr, String> {
        let start = self.next;
        if !self.sign("]") {
            let item = self.or()?;
            if self.word("for") {
                let Some(Token::Word(name)) = self.tokens.get(self.next).cloned() else {
                    return Err("a name is missing after `for`".to_owned());
                };
                self.next += 1;
                if !self.word("in") {
                    return Err("`in` is missing".to_owned());
                }
                let of = self.or()?;
                self.expect("]")?;
                return Ok(Expr::Each { item: Box::new(item), name, of: Box::new(of) });
            }
        }
        self.next = start;
        Ok(Expr::List(self.list("]")?.0))
    }

    /// Expressions up to `end`, and whether a comma stood before it.
    fn list(&mut self, end: &str) -> Result<(Vec<Expr>, bool), String> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.sign(end) {
            if !items.is_empty() && !comma {
                return Err(format!("`{end}` is missing"));
            }
            items.push(self.or()?);
            comma = self.sign(",");
        }
        Ok((items, comma))
    }
}
