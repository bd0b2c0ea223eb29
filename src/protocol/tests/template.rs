use crate::protocol::template::{
    Encoding, KnownBytes, Notation, Parser, Settings, Template, TemplatePart, TemplatePiece, TemplateText,
    Value,
};
use crate::protocol::token::Token;

fn parse(text: &str, notation: Notation) -> Template {
    let settings = Settings::default();
    Parser::new(&settings).parse(&TemplateText::whole("test", text), notation).unwrap()
}

fn bytes(text: &str, notation: Notation) -> Vec<u8> {
    match &parse(text, notation).parts[..] {
        [TemplatePart { piece: TemplatePiece::Bytes(bytes), .. }] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn escapes_become_bytes() {
    assert_eq!(bytes(r"a\r\n\t\0\\\{\}\xff\u00e9{{}}", Notation::Text), b"a\r\n\t\0\\{}\xff\xc3\xa9{}");
}

#[test]
fn hex_ignores_spaces() {
    assert_eq!(bytes("00 ff\n 1 0", Notation::Hex), [0, 255, 16]);
}

#[test]
fn base64_ignores_spaces() {
    assert_eq!(bytes("AAEC\n/w==", Notation::Base64), [0, 1, 2, 255]);
}

#[test]
fn placeholders_mix_with_hex() {
    let template = parse("00{token:2}0100", Notation::Hex);
    let known = KnownBytes { value: Value::Token(2), encoding: Encoding::Raw, length: None };
    assert_eq!(template.parts[0].piece, TemplatePiece::Bytes(vec![0]));
    assert_eq!(template.parts[1].piece, TemplatePiece::Known(known));
    assert_eq!(template.parts[2].piece, TemplatePiece::Bytes(vec![1, 0]));
}

#[test]
fn lengths_count_the_encoded_bytes() {
    let template = parse("{payload.hex.len:u16be+3}", Notation::Text);
    let TemplatePiece::Known(known) = &template.parts[0].piece else { panic!() };
    assert_eq!(known.bytes(&Token::new(0), b"12345"), [0, 13]);
    assert_eq!(template.longest_payload(), Some((65_535 - 3) / 2));
}
