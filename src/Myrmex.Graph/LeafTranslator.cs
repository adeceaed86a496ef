namespace Myrmex.Graph;

/// <summary>A translator with nothing below it: fops it does not override answer EOPNOTSUPP.</summary>
public abstract partial class LeafTranslator(TranslatorPlace place) : Translator(place)
{
}
