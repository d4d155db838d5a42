using System.Globalization;
using System.Text;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>The script each character belongs to (Unicode 14, Scripts.txt), which .NET does not say.</summary>
internal static class UnicodeScriptTable
{
    // "first code point:script", each entry up to the next one. Hiragana and Katakana are counted as Han, as SentencePiece does, so
    // that Japanese is not cut at every change of its scripts. Code points not assigned yet count with those before them.
    private const string Table = """
        0:Common 41:Latin 5B:Common 61:Latin 7B:Common AA:Latin AB:Common BA:Latin BB:Common C0:Latin D7:Common D8:Latin
        F7:Common F8:Latin 2B9:Common 2E0:Latin 2E5:Common 2EA:Bopomofo 2EC:Common 300:Inherited 370:Greek 374:Common
        375:Greek 37E:Common 37F:Greek 385:Common 386:Greek 387:Common 388:Greek 3E2:Coptic 3F0:Greek 400:Cyrillic
        485:Inherited 487:Cyrillic 531:Armenian 591:Hebrew 600:Arabic 605:Common 606:Arabic 60C:Common 60D:Arabic 61B:Common
        61C:Arabic 61F:Common 620:Arabic 640:Common 641:Arabic 64B:Inherited 656:Arabic 670:Inherited 671:Arabic 6DD:Common
        6DE:Arabic 700:Syriac 750:Arabic 780:Thaana 7C0:Nko 800:Samaritan 840:Mandaic 860:Syriac 870:Arabic 8E2:Common
        8E3:Arabic 900:Devanagari 951:Inherited 955:Devanagari 964:Common 966:Devanagari 980:Bengali A01:Gurmukhi A81:Gujarati
        B01:Oriya B82:Tamil C00:Telugu C80:Kannada D00:Malayalam D81:Sinhala E01:Thai E3F:Common E40:Thai E81:Lao F00:Tibetan
        FD5:Common FD9:Tibetan 1000:Myanmar 10A0:Georgian 10FB:Common 10FC:Georgian 1100:Hangul 1200:Ethiopic 13A0:Cherokee
        1400:Canadian_aboriginal 1680:Ogham 16A0:Runic 16EB:Common 16EE:Runic 1700:Tagalog 1720:Hanunoo 1735:Common 1740:Buhid
        1760:Tagbanwa 1780:Khmer 1800:Mongolian 1802:Common 1804:Mongolian 1805:Common 1806:Mongolian 18B0:Canadian_aboriginal
        1900:Limbu 1950:Tai_le 1980:New_tai_lue 19E0:Khmer 1A00:Buginese 1A20:Tai_tham 1AB0:Inherited 1B00:Balinese
        1B80:Sundanese 1BC0:Batak 1C00:Lepcha 1C50:Ol_chiki 1C80:Cyrillic 1C90:Georgian 1CC0:Sundanese 1CD0:Inherited
        1CD3:Common 1CD4:Inherited 1CE1:Common 1CE2:Inherited 1CE9:Common 1CED:Inherited 1CEE:Common 1CF4:Inherited
        1CF5:Common 1CF8:Inherited 1CFA:Common 1D00:Latin 1D26:Greek 1D2B:Cyrillic 1D2C:Latin 1D5D:Greek 1D62:Latin 1D66:Greek
        1D6B:Latin 1D78:Cyrillic 1D79:Latin 1DBF:Greek 1DC0:Inherited 1E00:Latin 1F00:Greek 2000:Common 200C:Inherited
        200E:Common 2071:Latin 2074:Common 207F:Latin 2080:Common 2090:Latin 20A0:Common 20D0:Inherited 2100:Common 2126:Greek
        2127:Common 212A:Latin 212C:Common 2132:Latin 2133:Common 214E:Latin 214F:Common 2160:Latin 2189:Common 2800:Braille
        2900:Common 2C00:Glagolitic 2C60:Latin 2C80:Coptic 2D00:Georgian 2D30:Tifinagh 2D80:Ethiopic 2DE0:Cyrillic 2E00:Common
        2E80:Han 2FF0:Common 3005:Han 3006:Common 3007:Han 3008:Common 3021:Han 302A:Inherited 302E:Hangul 3030:Common
        3038:Han 303C:Common 3041:Han 3099:Inherited 309B:Common 309D:Han 30A0:Common 30A1:Han 30FB:Common 30FD:Han
        3105:Bopomofo 3131:Hangul 3190:Common 31A0:Bopomofo 31C0:Common 31F0:Han 3200:Hangul 3220:Common 3260:Hangul
        327F:Common 32D0:Han 32FF:Common 3300:Han 3358:Common 3400:Han 4DC0:Common 4E00:Han A000:Yi A4D0:Lisu A500:Vai
        A640:Cyrillic A6A0:Bamum A700:Common A722:Latin A788:Common A78B:Latin A800:Syloti_nagri A830:Common A840:Phags_pa
        A880:Saurashtra A8E0:Devanagari A900:Kayah_li A92E:Common A92F:Kayah_li A930:Rejang A960:Hangul A980:Javanese
        A9CF:Common A9D0:Javanese A9E0:Myanmar AA00:Cham AA60:Myanmar AA80:Tai_viet AAE0:Meetei_mayek AB01:Ethiopic AB30:Latin
        AB5B:Common AB5C:Latin AB65:Greek AB66:Latin AB6A:Common AB70:Cherokee ABC0:Meetei_mayek AC00:Hangul F900:Han
        FB00:Latin FB13:Armenian FB1D:Hebrew FB50:Arabic FD3E:Common FD40:Arabic FE00:Inherited FE10:Common FE20:Inherited
        FE2E:Cyrillic FE30:Common FE70:Arabic FEFF:Common FF21:Latin FF3B:Common FF41:Latin FF5B:Common FF66:Han FF70:Common
        FF71:Han FF9E:Common FFA0:Hangul FFE0:Common 10000:Linear_b 10100:Common 10140:Greek 10190:Common 101A0:Greek
        101D0:Common 101FD:Inherited 10280:Lycian 102A0:Carian 102E0:Inherited 102E1:Common 10300:Old_italic 10330:Gothic
        10350:Old_permic 10380:Ugaritic 103A0:Old_persian 10400:Deseret 10450:Shavian 10480:Osmanya 104B0:Osage 10500:Elbasan
        10530:Caucasian_albanian 10570:Vithkuqi 10600:Linear_a 10780:Latin 10800:Cypriot 10840:Imperial_aramaic
        10860:Palmyrene 10880:Nabataean 108E0:Hatran 10900:Phoenician 10920:Lydian 10980:Meroitic_hieroglyphs
        109A0:Meroitic_cursive 10A00:Kharoshthi 10A60:Old_south_arabian 10A80:Old_north_arabian 10AC0:Manichaean 10B00:Avestan
        10B40:Inscriptional_parthian 10B60:Inscriptional_pahlavi 10B80:Psalter_pahlavi 10C00:Old_turkic 10C80:Old_hungarian
        10D00:Hanifi_rohingya 10E60:Arabic 10E80:Yezidi 10F00:Old_sogdian 10F30:Sogdian 10F70:Old_uyghur 10FB0:Chorasmian
        10FE0:Elymaic 11000:Brahmi 11080:Kaithi 110D0:Sora_sompeng 11100:Chakma 11150:Mahajani 11180:Sharada 111E1:Sinhala
        11200:Khojki 11280:Multani 112B0:Khudawadi 11300:Grantha 1133B:Inherited 1133C:Grantha 11400:Newa 11480:Tirhuta
        11580:Siddham 11600:Modi 11660:Mongolian 11680:Takri 11700:Ahom 11800:Dogra 118A0:Warang_citi 11900:Dives_akuru
        119A0:Nandinagari 11A00:Zanabazar_square 11A50:Soyombo 11AB0:Canadian_aboriginal 11AC0:Pau_cin_hau 11C00:Bhaiksuki
        11C70:Marchen 11D00:Masaram_gondi 11D60:Gunjala_gondi 11EE0:Makasar 11FB0:Lisu 11FC0:Tamil 12000:Cuneiform
        12F90:Cypro_minoan 13000:Egyptian_hieroglyphs 14400:Anatolian_hieroglyphs 16800:Bamum 16A40:Mro 16A70:Tangsa
        16AD0:Bassa_vah 16B00:Pahawh_hmong 16E40:Medefaidrin 16F00:Miao 16FE0:Tangut 16FE1:Nushu 16FE2:Han
        16FE4:Khitan_small_script 16FF0:Han 17000:Tangut 18B00:Khitan_small_script 18D00:Tangut 1AFF0:Han 1B170:Nushu
        1BC00:Duployan 1BCA0:Common 1CF00:Inherited 1CF50:Common 1D167:Inherited 1D16A:Common 1D17B:Inherited 1D183:Common
        1D185:Inherited 1D18C:Common 1D1AA:Inherited 1D1AE:Common 1D200:Greek 1D2E0:Common 1D800:SignWriting 1DF00:Latin
        1E000:Glagolitic 1E100:Nyiakeng_puachue_hmong 1E290:Toto 1E2C0:Wancho 1E7E0:Ethiopic 1E800:Mende_kikakui 1E900:Adlam
        1EC71:Common 1EE00:Arabic 1F000:Common 1F200:Han 1F201:Common 20000:Han E0001:Common E0100:Inherited
        """;

    private static readonly (int[] Starts, int[] Scripts) Ranges = Parse();

    /// <summary>A number for the script of a character: equal for characters of one script. 0 is the space, which joins any.</summary>
    public static int ScriptOf(Rune rune)
    {
        if (rune.Value == ' ')
        {
            return 0;
        }

        // The long-vowel mark serves both kana and is "Common" to Unicode.
        int value = rune.Value == 0x30FC ? 0x4E00 : rune.Value;
        int index = Array.BinarySearch(Ranges.Starts, value);
        return Ranges.Scripts[index >= 0 ? index : ~index - 1];
    }

    private static (int[] Starts, int[] Scripts) Parse()
    {
        string[] entries = Table.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var starts = new int[entries.Length];
        var scripts = new int[entries.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            string[] parts = entries[i].Split(':');
            starts[i] = int.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (!numbers.TryGetValue(parts[1], out scripts[i]))
            {
                scripts[i] = numbers.Count + 1;
                numbers.Add(parts[1], scripts[i]);
            }
        }

        return (starts, scripts);
    }
}
